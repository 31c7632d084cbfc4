import { proto } from "../../baileys/baileys.ts";
import { epoch, filled, type ProtoNumber, timeOf, whole } from "./fields.ts";
import type { Convert, Converted } from "./kind.ts";

export const groupInvite: Convert<"groupInviteMessage"> = (value) => {
  const { groupJid, groupName, inviteCode, inviteExpiration, caption } = value;
  const expiresAt = inviteExpiration ? timeOf(inviteExpiration) : undefined;
  return {
    content: {
      type: "group_invite",
      group: groupJid ?? "",
      name: groupName ?? "",
      code: inviteCode ?? "",
      ...filled({ expiresAt, caption }),
    },
    text: caption || groupName || "",
  };
};

export const callLog: Convert<"callLogMesssage"> = ({ callOutcome, isVideo, durationSecs }) => {
  const outcome = proto.Message.CallLogMessage.CallOutcome[callOutcome ?? 0]?.toLowerCase() ?? "unknown";
  return {
    content: {
      type: "call_log",
      outcome,
      isVideo: Boolean(isVideo),
      ...filled({ seconds: whole(durationSecs) || undefined }),
    },
    text: "",
  };
};

export const scheduledCall: Convert<"scheduledCallCreationMessage"> = (value) => {
  const { title, scheduledTimestampMs, callType } = value;
  const start = timeOf(Number(scheduledTimestampMs ?? 0) / 1_000) ?? epoch;
  const isVideo = callType === proto.Message.ScheduledCallCreationMessage.CallType.VIDEO;
  return { content: { type: "scheduled_call", start, isVideo, ...filled({ title }) }, text: title ?? "" };
};

interface NewsletterInvite {
  newsletterJid?: string | null;
  newsletterName?: string | null;
  caption?: string | null;
  inviteExpiration?: ProtoNumber;
}

export const newsletterInvite =
  (role: "admin" | "follower") =>
  ({ newsletterJid, newsletterName, caption, inviteExpiration }: NewsletterInvite): Converted => {
    const expiresAt = inviteExpiration ? timeOf(inviteExpiration) : undefined;
    const newsletter = newsletterJid ?? "";
    const named = { type: "newsletter_invite" as const, role, newsletter, name: newsletterName ?? "" };
    return {
      content: { ...named, ...filled({ expiresAt, caption }) },
      text: caption || newsletterName || "",
    };
  };

/** A comment that is encrypted with a secret of the message that it is about. */
export const sealedComment = (): Converted => ({
  content: { type: "unavailable", reason: "undecryptable" },
  text: "",
});

/** WhatsApp shows the message on the phone only. */
export const placeholder = (): Converted => ({
  content: { type: "unavailable", reason: "withheld" },
  text: "",
});
