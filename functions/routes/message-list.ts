import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { MessageDocument } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import { normaliseJid } from "#shared/jid.ts";
import type { Dependencies } from "../dependencies.ts";
import { listLimit } from "../http/list-cursor.ts";
import { channelParameters, json } from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { type MessagePlace, messageCursorOf, messageCursorSchema } from "../messages/message-cursor.ts";
import { messageOfCommand } from "../messages/message-of-command.ts";
import {
  messageSchema,
  messageView,
  messageWithHistory,
  messageWithHistorySchema,
} from "../messages/message-view.ts";
import type { ChannelEnv } from "../middleware/find-channel.ts";
import type { Store } from "../store/store.ts";
import { channelRoute, guarded } from "./channel-route.ts";

const statusChat = "status@broadcast";

/** A person, a group or the status posts, as people write them. Outputs the normalised JID. */
const chatSchema = z
  .string()
  .max(100)
  .transform((text, context) => {
    const jid = text === statusChat ? statusChat : normaliseJid(text);
    if (jid !== null) return jid as string;
    context.addIssue({ code: "custom", message: "must be a phone number or the JID of a person or a group" });
    return z.NEVER;
  });
const messageId = z.string().min(1).max(256);

const listing = channelRoute({
  operationId: "listMessages",
  method: "get",
  path: "/channels/{channelId}/messages",
  tag: "Messages",
  summary: "List a channel's messages",
  description:
    "Received and sent, newest first by `sentAt`; with `chat` those of one chat. `before` and `after` name a message of the " +
    "list: older ones follow it, or those that came right after it. A send is listed once it is about to leave; until then " +
    "it is in the list of commands. Messages are kept for `RETENTION_DAYS_MESSAGES`.",
  scope: "messages:read",
  request: {
    query: z.strictObject({
      chat: chatSchema.optional(),
      before: messageId.optional(),
      after: messageId.optional(),
      limit: listLimit,
      cursor: messageCursorSchema.optional(),
    }),
  },
  responses: {
    200: json(
      z.object({ ok: z.literal(true), payload: z.array(messageSchema), nextCursor: z.string().nullable() }),
      "Messages; `nextCursor` is null on the last page",
    ),
  },
  refused: ["invalid_request", "message_not_found", "message_ambiguous"],
});

const reading = channelRoute({
  operationId: "getMessage",
  method: "get",
  path: "/channels/{channelId}/messages/{messageId}",
  tag: "Messages",
  summary: "Get a message",
  description:
    "With the statuses that it had. An id belongs to its author: where several messages of a channel have it, `chat` and " +
    "`sender` name one. A send that is still queued, or that never left, is shown as its command tells it.",
  scope: "messages:read",
  request: {
    params: channelParameters.extend({ messageId }),
    query: z.strictObject({ chat: chatSchema.optional(), sender: chatSchema.optional() }),
  },
  responses: {
    200: json(z.object({ ok: z.literal(true), payload: messageWithHistorySchema }), "The message"),
  },
  refused: ["invalid_request", "message_not_found", "message_ambiguous"],
});

/** Lists and shows the messages of a channel. */
export function messageListRoutes({ store }: Dependencies) {
  return new OpenAPIHono<ChannelEnv>({ defaultHook: invalidRequest })
    .openapi(guarded(listing, store), async (c) => {
      const { chat = null, before, after, limit, cursor } = c.req.valid("query");
      const named = [before, after, cursor].filter((one) => one !== undefined);
      if (named.length > 1) throw onlyOne;
      const { channelId } = c.var.found.channel;
      const { signal } = c.req.raw;
      const anchor = before ?? after;
      const place =
        anchor === undefined
          ? (cursor ?? null)
          : await placeOf(
              store,
              { channelId, messageId: anchor, chat, sender: null, signal },
              after !== undefined,
            );
      const page = await store.listMessages({ channelId, chat, place, limit, signal });
      const nextCursor = page.next && messageCursorOf(page.next);
      return c.json({ ok: true as const, payload: page.messages.map(messageView), nextCursor }, 200);
    })
    .openapi(guarded(reading, store), async (c) => {
      const { chat = null, sender = null } = c.req.valid("query");
      const { messageId } = c.req.valid("param");
      const { channelId } = c.var.found.channel;
      const { signal } = c.req.raw;
      const row = await findMessage(store, { channelId, messageId, chat, sender, signal });
      return c.json({ ok: true as const, payload: messageWithHistory(row) }, 200);
    });
}

type Named = Parameters<Store["findMessages"]>[0];

const onlyOne = new ServiceError("invalid_request", undefined, {
  details: [{ field: "cursor", message: "takes the place of before and after, of which there is one" }],
});

async function placeOf(store: Store, named: Named, isNewer: boolean): Promise<MessagePlace> {
  const { _id: rowId, sentAt } = onlyOf(await store.findMessages(named));
  if (!sentAt) throw new ServiceError("message_not_found");
  return { direction: isNewer ? "newer" : "older", sentAt, rowId };
}

async function findMessage(store: Store, named: Named): Promise<MessageDocument> {
  const rows = await store.findMessages(named);
  if (rows.length > 0) return onlyOf(rows);
  const { channelId, messageId, chat, sender } = named;
  const command = sender === null ? await store.findSend(channelId, messageId) : null;
  const queued = command && messageOfCommand(command);
  if (!queued || (chat !== null && queued.chat !== chat)) throw new ServiceError("message_not_found");
  return queued;
}

/** Throws `message_not_found`, or `message_ambiguous` with the messages to choose from. */
function onlyOf(rows: readonly MessageDocument[]): MessageDocument {
  const [row, ...others] = rows;
  if (!row) throw new ServiceError("message_not_found");
  if (others.length === 0) return row;
  const messages = rows.map(({ chat, sender }) => ({ chat, sender }));
  throw new ServiceError("message_ambiguous", undefined, { details: { messages } });
}
