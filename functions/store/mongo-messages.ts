import type { Collection, Filter } from "mongodb";
import type { CommandDocument, MessageDocument } from "#shared/collections.ts";
import { boundedRead } from "#shared/database.ts";
import type { MessagePlace } from "../messages/message-cursor.ts";
import { readableCommand } from "./readable-command.ts";
import type { MessagePage, MessageQuery, Store } from "./store.ts";

type Messages = Pick<Store, "listMessages" | "findMessages" | "findSend">;

const ascending = { sentAt: 1, _id: 1 } as const;
const descending = { sentAt: -1, _id: -1 } as const;
/** The bytes of a message as it came are for its connector. */
const projection = { proto: 0 } as const;
/** Several authors may use one id. */
const namesakesMax = 20;

/** Reads messages, and sends that have no row in `messages` yet. */
export function mongoMessages(
  messages: Collection<MessageDocument>,
  commands: Collection<CommandDocument>,
): Messages {
  return {
    listMessages: (query) => messagePage(messages, query),
    findMessages({ channelId, messageId, chat, sender, signal }) {
      const named = {
        channelId,
        messageId,
        ...(chat !== null && { chat }),
        ...(sender !== null && { sender }),
      };
      return messages
        .find(named, { projection, signal, ...boundedRead })
        .limit(namesakesMax)
        .toArray();
    },
    async findSend(channelId, messageId) {
      const command = await commands.findOne({ channelId, messageId }, boundedRead);
      return command && readableCommand(command);
    },
  };
}

/** Reads a page of messages, newest first, also of those that are newer than a place. */
async function messagePage(
  messages: Collection<MessageDocument>,
  { channelId, chat, place, limit, signal }: MessageQuery,
): Promise<MessagePage> {
  const isNewer = place?.direction === "newer";
  const filter = { channelId, ...(chat !== null && { chat }), ...(place && beyond(place)) };
  const found = await messages
    .find(filter, { projection, signal, ...boundedRead })
    .sort(isNewer ? ascending : descending)
    .hint(chat === null ? "newest" : "chat")
    .limit(limit + 1)
    .toArray();
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  const direction = isNewer ? "newer" : "older";
  return {
    messages: isNewer ? page.reverse() : page,
    next: last?.sentAt ? { direction, sentAt: last.sentAt, rowId: last._id } : null,
  };
}

function beyond({ direction, sentAt, rowId }: MessagePlace): Filter<MessageDocument> {
  return direction === "newer"
    ? { sentAt: { $gte: sentAt }, $or: [{ sentAt: { $gt: sentAt } }, { _id: { $gt: rowId } }] }
    : { sentAt: { $lte: sentAt }, $or: [{ sentAt: { $lt: sentAt } }, { _id: { $lt: rowId } }] };
}
