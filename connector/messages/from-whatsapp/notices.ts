import { proto } from "../../baileys/baileys.ts";
import { filled, timeOf, whole } from "./fields.ts";
import type { Convert, Converted } from "./kind.ts";

export const groupInvite: Convert<"groupInviteMessage"> = (value) => {
  const { groupJid, groupName, inviteCode, inviteExpiration, caption } = value;
  const expiresAt = inviteExpiration ? timeOf(inviteExpiration) : undefined;
  return {
    content: {
      ...{ type: "group_invite", group: groupJid ?? "", name: groupName ?? "", code: inviteCode ?? "" },
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

/** WhatsApp shows the message on the phone only. */
export const placeholder = (): Converted => ({
  content: { type: "unavailable", reason: "withheld" },
  text: "",
});
