import type { LRUCache } from "lru-cache";
import type { Collection } from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import { proto } from "../baileys/baileys.ts";
import { outId, type SentMessage, sendOfRow } from "./message-rows.ts";
import type { MessageSeal } from "./message-seal.ts";
import type { Prepared } from "./to-whatsapp.ts";

/** The facts about a message of ours with which a receipt is compared. */
export interface OwnMessage {
  /** The JIDs of its chat: the one asked for, and the one it went to. */
  chats: readonly string[];
  /** The rank of its status as stored; undefined when it was not read. */
  statusRank?: number;
}

/** What one channel's rows in `messages` tell of the messages of ours. */
export interface MessageReads {
  /** Those of these ids that are messages of ours, with one query for all that are not remembered. */
  own(messageIds: readonly string[]): Promise<Map<string, OwnMessage>>;
  /** Those of these messages that are recorded, as they were when they went on the wire. */
  recorded(messageIds: readonly string[]): Promise<SentMessage[]>;
  /** The message that was sent under this id; null if there is none. */
  sent(messageId: string): Promise<(OwnMessage & { message: proto.IMessage }) | null>;
  /** The message that was sent under this id, prepared for sending it again unchanged. */
  again(messageId: string): Promise<Prepared | null>;
  /** The rank of an outgoing message's status; null for an unknown message. */
  rank(messageId: string): Promise<number | null>;
}

/** `recent`: the chats of messages that were sent a moment ago, by id. */
export function createMessageReads(
  messages: Collection<MessageDocument>,
  channelId: string,
  seals: Pick<MessageSeal, "open">,
  recent: Pick<LRUCache<string, OwnMessage>, "get">,
): MessageReads {
  const out = (messageId: string) => ({ _id: outId(channelId, messageId), channelId });
  const opened = ({ _id, proto: stored }: Pick<MessageDocument, "_id" | "proto">) =>
    stored && proto.Message.decode(seals.open(_id, stored));

  return {
    async own(messageIds) {
      const asked = [...new Set(messageIds)];
      const remembered = asked.flatMap((id) => {
        const known = recent.get(id);
        return known ? [[id, known] as const] : [];
      });
      const found = new Map<string, OwnMessage>(remembered);
      const unknown = asked.filter((id) => !found.has(id)).map((id) => out(id)._id);
      return unknown.length === 0
        ? found
        : new Map([...found, ...(await readOwn(messages, channelId, unknown))]);
    },
    async recorded(messageIds) {
      if (messageIds.length === 0) return [];
      const ids = messageIds.map((id) => out(id)._id);
      const rows = await messages
        .find({ _id: { $in: ids }, channelId }, { projection: { proto: 0 } })
        .toArray();
      return rows.flatMap((row) => sendOfRow(row) ?? []);
    },
    async sent(messageId) {
      const row = await messages.findOne(out(messageId), { projection: { proto: 1, ...chatFields } });
      const message = row && opened(row);
      return message ? { chats: chatsOf(row), message } : null;
    },
    async again(messageId) {
      const row = await messages.findOne(out(messageId));
      const message = row && opened(row);
      if (!message) return null;
      const { chat, sentTo, to, type } = row;
      return { to: to ?? chat, jid: sentTo ?? chat, type: type as Prepared["type"], message };
    },
    async rank(messageId) {
      const row = await messages.findOne(out(messageId), { projection: { statusRank: 1 } });
      return row?.statusRank ?? null;
    },
  };
}

const chatFields = { chat: 1, sentTo: 1, to: 1 } as const;

async function readOwn(
  messages: Collection<MessageDocument>,
  channelId: string,
  rowIds: readonly string[],
): Promise<[messageId: string, OwnMessage][]> {
  const projection = { messageId: 1, statusRank: 1, ...chatFields };
  const rows = await messages.find({ _id: { $in: [...rowIds] }, channelId }, { projection }).toArray();
  return rows.map((row) => [row.messageId, { chats: chatsOf(row), statusRank: row.statusRank }]);
}

/** The JIDs of the chat of a message of ours. */
export function chatsOf({ chat, sentTo, to }: Pick<MessageDocument, "chat" | "sentTo" | "to">): string[] {
  return [chat, sentTo, to].filter((jid) => jid !== undefined);
}
