import { z } from "zod";
import { receivedKind } from "./received-kind.ts";

export const groupInvite = receivedKind(
  z.object({
    type: z.literal("group_invite"),
    group: z.string(),
    name: z.string(),
    code: z.string(),
    /** RFC 3339. */
    expiresAt: z.string().optional(),
    caption: z.string().optional(),
  }),
  { type: "group_invite", group: "120363000000000001@g.us", name: "Neighbours", code: "AbCdEfGh" },
);

export const callLog = receivedKind(
  z.object({
    type: z.literal("call_log"),
    outcome: z.string(),
    isVideo: z.boolean(),
    seconds: z.number().int().optional(),
  }),
  { type: "call_log", outcome: "missed", isVideo: false },
);

/**
 * Somebody changed a group: its members (`people`), its `subject` or `description`, or a setting, which `isOn` from now on.
 * `sender` made the change.
 */
export const groupNotice = receivedKind(
  z.object({
    type: z.literal("group_notice"),
    action: z.enum([
      "created",
      "subject_changed",
      "description_changed",
      "picture_changed",
      "invite_renewed",
      "announcements_only",
      "locked",
      "added",
      "removed",
      "left",
      "promoted",
      "demoted",
    ]),
    people: z.array(z.string()).optional(),
    subject: z.string().optional(),
    description: z.string().optional(),
    isOn: z.boolean().optional(),
  }),
  { type: "group_notice", action: "added", people: ["15550100001@s.whatsapp.net"] },
);

/** A call that is planned for a time. */
export const scheduledCall = receivedKind(
  z.object({
    type: z.literal("scheduled_call"),
    /** RFC 3339. */
    start: z.string(),
    isVideo: z.boolean(),
    title: z.string().optional(),
  }),
  { type: "scheduled_call", start: "2026-12-24T18:00:00.000Z", isVideo: true, title: "Planning" },
);

/** An invitation to run a newsletter or to follow it. */
export const newsletterInvite = receivedKind(
  z.object({
    type: z.literal("newsletter_invite"),
    role: z.enum(["admin", "follower"]),
    newsletter: z.string(),
    name: z.string(),
    /** RFC 3339. */
    expiresAt: z.string().optional(),
    caption: z.string().optional(),
  }),
  { type: "newsletter_invite", role: "follower", newsletter: "120363000000000002@newsletter", name: "News" },
);

/**
 * A message that came and cannot be shown. `too_large`: it exceeds what the log holds; `view_once`, `withheld`: WhatsApp does not
 * give it to linked devices; `undecryptable`: its key is missing.
 */
export const unavailable = receivedKind(
  z.object({
    type: z.literal("unavailable"),
    reason: z.enum(["too_large", "view_once", "withheld", "undecryptable"]),
  }),
  { type: "unavailable", reason: "view_once" },
);

/** A kind that this version does not know; `kind` is WhatsApp's name for it. */
export const unsupported = receivedKind(z.object({ type: z.literal("unsupported"), kind: z.string() }), {
  type: "unsupported",
  kind: "invoiceMessage",
});
