import { Binary, type Collection } from "mongodb";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { MessageDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { proto } from "../baileys/baileys.ts";
import { dateOf, type Fence } from "../ownership/fence.ts";
import type { SeenMessage } from "./from-whatsapp/from-whatsapp.ts";
import { lateRaises } from "./late-raises.ts";
import { type MessageWrite, messageWriter } from "./message-writes.ts";
import type { Prepared } from "./to-whatsapp.ts";

/** The facts about a message of ours with which a receipt is compared. */
export interface OwnMessage {
  /** The JIDs of its chat: the one asked for, and the one it went to. */
  chats: readonly string[];
  /** The rank of its status as stored; undefined when it was not read. */
  statusRank?: number;
}

/** One channel's rows in `messages`: a monotonic projection of the log, and the records of sends; see `durability.md`. */
export interface MessageStore {
  /** Records a message before its stanza leaves, for contacts that ask for it again. `sentTo` may differ from the chat asked for. */
  sending(
    messageId: string,
    chat: string,
    type: string,
    message: proto.IMessage,
    sentTo?: string,
  ): Promise<void>;
  /** Stores a message that was received, or sent from another device of the account. */
  seen(message: SeenMessage): Promise<void>;
  /** Those of these ids that are messages of ours, with one query for all that are not remembered. */
  own(messageIds: readonly string[]): Promise<Map<string, OwnMessage>>;
  /** The message that was sent under this id; null if there is none. */
  sent(messageId: string): Promise<(OwnMessage & { message: proto.IMessage }) | null>;
  /** The message that was sent under this id, prepared for sending it again unchanged. */
  again(messageId: string): Promise<Prepared | null>;
  /** The rank of an outgoing message's status; null for an unknown message. */
  rank(messageId: string): Promise<number | null>;
  /** Resolves when the message's row has this status or a higher one, which is a moment later: see `late-raises.ts`. */
  raise(messageId: string, status: MessageStatus): Promise<void>;
  /** Writes the raises that wait. Resolves when they are written, or could not be. */
  flush(): Promise<void>;
  /** Marks a message that did not reach the wire; after a retry its status rises from the start. */
  notSent(messageId: string): Promise<void>;
}

const rememberedMax = 5_000;

export function createMessageStore(
  { messages }: Pick<Collections, "messages">,
  channelId: string,
  clock: Pick<Fence, "now"> = {},
): MessageStore {
  const outId = (messageId: string) => `${channelId}/out/${messageId}`;
  const out = (messageId: string) => ({ _id: outId(messageId), channelId });
  /** The chats of messages that were sent a moment ago, whose receipts are about to arrive. */
  const recent = createBoundedCache<OwnMessage>(rememberedMax);
  const writer = messageWriter(messages);
  const raises = lateRaises(messages);
  const put = (row: NewRow) => writer.submit(insertion(channelId, row, dateOf(clock)));

  return {
    sending(messageId, chat, type, message, sentTo = chat) {
      recent.set(messageId, { chats: chatsOf({ chat, sentTo }) });
      return put({
        _id: outId(messageId),
        messageId,
        direction: "out",
        chat,
        ...(sentTo === chat ? {} : { sentTo }),
        sender: null,
        type,
        status: "queued",
        statusRank: messageStatusRank.queued,
        proto: new Binary(proto.Message.encode(message).finish()),
      });
    },
    async seen({ chat, sender, messageId, type, data }) {
      if (type !== "incoming_message" && type !== "outgoing_message") return;
      const message = { messageId, chat, sender, type: data.content.type };
      const inId = `${channelId}/in/${chat}/${sender}/${messageId}`;
      if (type === "incoming_message")
        return put({ ...message, _id: inId, direction: "in", status: null, statusRank: 0 });
      const statusRank = messageStatusRank.sent;
      return put({ ...message, _id: outId(messageId), direction: "out", status: "sent", statusRank });
    },
    async own(messageIds) {
      const asked = [...new Set(messageIds)];
      const remembered = asked.flatMap((id) => {
        const known = recent.get(id);
        return known ? [[id, known] as const] : [];
      });
      const found = new Map<string, OwnMessage>(remembered);
      const unknown = asked.filter((id) => !found.has(id)).map(outId);
      return unknown.length === 0
        ? found
        : new Map([...found, ...(await readOwn(messages, channelId, unknown))]);
    },
    async sent(messageId) {
      const row = await messages.findOne(out(messageId), { projection: { proto: 1, chat: 1, sentTo: 1 } });
      if (!row?.proto) return null;
      return { chats: chatsOf(row), message: proto.Message.decode(row.proto.buffer) };
    },
    async again(messageId) {
      const row = await messages.findOne(out(messageId));
      if (!row?.proto) return null;
      return {
        to: row.chat,
        jid: row.sentTo ?? row.chat,
        type: row.type as Prepared["type"],
        message: proto.Message.decode(row.proto.buffer),
      };
    },
    async rank(messageId) {
      const row = await messages.findOne(out(messageId), { projection: { statusRank: 1 } });
      return row?.statusRank ?? null;
    },
    raise: (messageId, status) => raises.raise(out(messageId), status),
    flush: raises.flush,
    async notSent(messageId) {
      const { queued: statusRank } = messageStatusRank;
      const filter = { ...out(messageId), statusRank };
      await writer.submit({ filter, update: { $set: { status: "failed" } } });
    },
  };
}

async function readOwn(
  messages: Collection<MessageDocument>,
  channelId: string,
  rowIds: readonly string[],
): Promise<[messageId: string, OwnMessage][]> {
  const projection = { messageId: 1, chat: 1, sentTo: 1, statusRank: 1 };
  const rows = await messages.find({ _id: { $in: [...rowIds] }, channelId }, { projection }).toArray();
  return rows.map((row) => [row.messageId, { chats: chatsOf(row), statusRank: row.statusRank }]);
}

function chatsOf({ chat, sentTo }: Pick<MessageDocument, "chat" | "sentTo">): string[] {
  return sentTo ? [chat, sentTo] : [chat];
}

type NewRow = Omit<MessageDocument, "channelId" | "timestamp">;

/** Inserts a row unless it exists. */
function insertion(channelId: string, { _id, ...row }: NewRow, timestamp: Date): MessageWrite {
  return { filter: { _id, channelId }, update: { $setOnInsert: { ...row, timestamp } }, upsert: true };
}
