/** Shows messages to callers, and names places in their list. */

import { z } from "@hono/zod-openapi";
import { type MessageDocument, messageOrigins, type StatusStep } from "#shared/collections.ts";
import { messageStatuses } from "#shared/events.ts";
import { anyObject, timeSchema } from "../http/openapi.ts";

/** Described as one schema with two types, because the renderer of `/docs` fails on a union. */
const mentions = z.union([z.array(z.string()), z.literal("all")]).openapi({
  type: ["array", "string"],
  items: { type: "string" },
  description: "JIDs, or `all` for everybody in the group",
});
const error = z.object({ code: z.string(), whatsappCode: z.number().int().optional() });

const fields = {
  messageId: z.string(),
  channelId: z.string(),
  direction: z.enum(["in", "out"]),
  chat: z.string().describe("The chat's JID; of a person the number's, where that is known"),
  sender: z.string().nullable(),
  pushName: z.string().optional(),
  origin: z.enum(messageOrigins).optional(),
  via: z.string().optional().describe("The name of the API key with which it was sent"),
  type: z.string(),
  message: z.string().nullable().describe("The visible text, the newest after an edit"),
  content: anyObject.optional().describe("As in the event `incoming_message`"),
  replyTo: z
    .object({ messageId: z.string(), sender: z.string().optional(), chat: z.string().optional() })
    .optional(),
  mentions: mentions.optional(),
  forwarded: z.literal(true).optional(),
  album: z.string().optional().describe("The id of the album that it is in"),
  versionOf: z.string().optional().describe("The id of the message with the same picture in another form"),
  illustrates: z.string().optional().describe("The id of the event or poll whose picture it is"),
  referral: anyObject.optional(),
  status: z.enum(messageStatuses).nullable().describe("Null for a received message"),
  reactions: z.array(z.object({ sender: z.string(), emoji: z.string(), at: timeSchema })),
  sentAt: timeSchema.describe("According to the author's device"),
  recordedAt: timeSchema,
  editedAt: timeSchema.optional(),
  deletedAt: timeSchema.optional().describe("Deleted for everyone; what it said is kept"),
  expiresAt: timeSchema.optional().describe("When it disappears from the chat"),
};

/** A message as callers see it. Fields of a former version's rows may be missing. */
export const messageSchema = z.object(fields).openapi("Message");

/** A message with the statuses that it had. Not an extension: the renderer of `/docs` fails on a schema without a type. */
export const messageWithHistorySchema = z
  .object({
    ...fields,
    history: z
      .array(z.object({ status: z.enum(messageStatuses), at: timeSchema, error: error.optional() }))
      .describe("Ascending; empty for a received message"),
  })
  .openapi("MessageWithHistory");

type Message = z.output<typeof messageSchema>;

/** Shows a row of `messages` to a caller. */
export function messageView(row: MessageDocument): Message {
  const { messageId, channelId, direction, chat, sender, pushName, origin, via, type } = row;
  const { text, content, context = {}, status, reactions = [], editedAt, deletedAt, expiresAt } = row;
  const { expiresIn: _, ...said } = context;
  const recordedAt = row.recordedAt ?? row.timestamp ?? new Date(0);
  return {
    ...{ messageId, channelId, direction, chat, sender },
    ...(pushName !== undefined && { pushName }),
    ...(origin && { origin }),
    ...(via !== undefined && { via }),
    type,
    message: text ?? null,
    ...(content && { content: { ...content } }),
    ...said,
    status,
    reactions: reactions.map(({ at, ...reaction }) => ({ ...reaction, at: at.toISOString() })),
    sentAt: (row.sentAt ?? recordedAt).toISOString(),
    recordedAt: recordedAt.toISOString(),
    ...(editedAt && { editedAt: editedAt.toISOString() }),
    ...(deletedAt && { deletedAt: deletedAt.toISOString() }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  };
}

/** Shows a row with its statuses. */
export function messageWithHistory(row: MessageDocument): z.output<typeof messageWithHistorySchema> {
  return { ...messageView(row), history: (row.history ?? []).map(stepView) };
}

function stepView({ status, at, error }: StatusStep) {
  return { status, at: at.toISOString(), ...(error && { error }) };
}
