/** The events of messages: their data, as sockets, the log and webhooks have it. */

import { z } from "zod";
import { receivedContentSchema } from "./received-content.ts";

const jid = z.string();
/** RFC 3339. */
const time = z.string();

/** Where and by whom. */
const place = {
  /** The chat. */
  from: jid,
  /** The author. */
  sender: jid,
  phoneNumber: z.string().optional(),
  lid: jid.optional(),
  /** The name that the author gives themselves. */
  pushName: z.string().optional(),
  /** According to the author's device. */
  sentAt: time,
};

/** Whom the text names with an `@`; `all` is everybody in the group. */
const mentions = z.union([z.array(jid), z.literal("all")]).optional();

const message = z.object({
  messageId: z.string(),
  ...place,
  /** The visible text: the caption, for media; empty when there is none. */
  message: z.string(),
  content: receivedContentSchema,
  /** `chat` is where the answered message is, if elsewhere: `status@broadcast`, or a group that is answered in private. */
  replyTo: z.object({ messageId: z.string(), sender: jid.optional(), chat: jid.optional() }).optional(),
  mentions,
  forwarded: z.literal(true).optional(),
  /** The id of the album that the picture or video is in. */
  album: z.string().optional(),
  /** The id of the message that has the same picture or video in another form, such as one of lower quality. */
  versionOf: z.string().optional(),
  /** The id of the event or poll whose picture it is. */
  illustrates: z.string().optional(),
  /** The advertisement from which the chat began. */
  referral: z
    .object({
      sourceId: z.string().optional(),
      clickId: z.string().optional(),
      url: z.string().optional(),
      headline: z.string().optional(),
      body: z.string().optional(),
    })
    .optional(),
  /** After how many seconds the message disappears. */
  expiresIn: z.number().int().optional(),
});

/** A change of an earlier message. `messageId` is the earlier one's, `author` who wrote it; `sender` changed it. */
const change = z.object({ messageId: z.string(), ...place, author: jid });
/** What the change says cannot be read: the field that would have it is absent. */
const unavailable = z.literal("undecryptable").optional();

const from = "15550100001@s.whatsapp.net";
const own = "15550100002@s.whatsapp.net";
const sentAt = "2026-12-01T09:30:00.000Z";
const said = { from, sender: from, phoneNumber: "15550100001", lid: "4242@lid", pushName: "Ada", sentAt };
const hello = {
  messageId: "3EB0C431C26A1916E07A",
  message: "Hello",
  content: { type: "text", text: "Hello" },
} as const;
const changed = { messageId: "3EB0C431C26A1916E07A", ...said, author: from };

export const messageEvents = {
  incoming_message: {
    schema: message.extend({ type: z.literal("incoming") }),
    example: { ...hello, ...said, type: "incoming" },
  },
  /** Sent by a program, with the name of its key in `via`, from the phone, or from another linked device. */
  outgoing_message: {
    schema: message.extend({
      type: z.literal("outgoing"),
      to: jid,
      origin: z.enum(["api", "phone", "other_device"]),
      via: z.string().optional(),
    }),
    example: { ...hello, from, sender: own, sentAt, type: "outgoing", to: from, origin: "api", via: "shop" },
  },
  /** `message` and `content` are the new ones. */
  message_edited: {
    schema: change.extend({ message: z.string(), content: receivedContentSchema, mentions }),
    example: { ...changed, message: "Hello!", content: { type: "text", text: "Hello!" } },
  },
  message_deleted: { schema: change, example: changed },
  /** `emoji` is null when a reaction was taken back. */
  reaction: {
    schema: change.extend({ emoji: z.string().nullable().optional(), unavailable }),
    example: { ...changed, author: own, emoji: "👍" },
  },
  /** `messageId` is the poll's; `options` are all that the voter has chosen now. */
  poll_vote: {
    schema: change.extend({ options: z.array(z.string()).optional(), unavailable }),
    example: { ...changed, author: own, unavailable: "undecryptable" },
  },
  /** An answer to the invitation to an event, whose message `messageId` is. */
  event_response: {
    schema: change.extend({ response: z.enum(["going", "not_going", "maybe"]).optional(), unavailable }),
    example: { ...changed, author: own, unavailable: "undecryptable" },
  },
  /** `forSeconds`: how long it stays at the top of the chat. */
  message_pinned: {
    schema: change.extend({ isPinned: z.boolean(), forSeconds: z.number().int().optional() }),
    example: { ...changed, isPinned: true, forSeconds: 604_800 },
  },
  /** Kept although messages in the chat disappear. */
  message_kept: {
    schema: change.extend({ isKept: z.boolean() }),
    example: { ...changed, isKept: true },
  },
} as const;

export type MessageEventData = {
  [Name in keyof typeof messageEvents]: z.output<(typeof messageEvents)[Name]["schema"]>;
};
