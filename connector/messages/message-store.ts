import { Binary, type Collection } from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { type MessageStatus, messageStatusRank } from "#shared/events.ts";
import { proto } from "../baileys/baileys.ts";
import type { SeenMessage } from "./from-whatsapp.ts";
import type { Prepared } from "./to-whatsapp.ts";

/** One channel's rows in `messages`: a monotonic projection of the log, so it needs no fence. */
export interface MessageStore {
  /** Stores a message before its relay, for contacts that ask for it again. `sentTo` may differ from the chat asked for. */
  sending(
    messageId: string,
    chat: string,
    type: string,
    message: proto.IMessage,
    sentTo?: string,
  ): Promise<void>;
  /** Stores a message that was received, or sent from another device of the account. */
  seen(message: SeenMessage): Promise<void>;
  /** The message that was sent under this id, for Baileys. */
  sent(messageId: string): Promise<proto.IMessage | undefined>;
  /** The message that was sent under this id, prepared for sending it again unchanged. */
  again(messageId: string): Promise<Prepared | null>;
  /** The rank of an outgoing message's status; null for an unknown message. */
  rank(messageId: string): Promise<number | null>;
  raise(messageId: string, status: MessageStatus): Promise<void>;
  /** Marks a message that did not reach the wire; after a retry its status rises from the start. */
  notSent(messageId: string): Promise<void>;
}

export function createMessageStore(
  { messages }: Pick<Collections, "messages">,
  channelId: string,
): MessageStore {
  const outId = (messageId: string) => `${channelId}/out/${messageId}`;
  const put = (row: NewRow) => insertOnce(messages, { ...row, channelId, timestamp: new Date() });

  return {
    sending: (messageId, chat, type, message, sentTo = chat) =>
      put({
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
      }),
    seen({ chat, sender, messageId, type, data }) {
      const message = { messageId, chat, sender, type: data.content.type };
      if (type === "incoming_message") {
        const _id = `${channelId}/in/${chat}/${sender}/${messageId}`;
        return put({ ...message, _id, direction: "in", status: null, statusRank: 0 });
      }
      const statusRank = messageStatusRank.sent;
      return put({ ...message, _id: outId(messageId), direction: "out", status: "sent", statusRank });
    },
    async sent(messageId) {
      const row = await messages.findOne({ _id: outId(messageId) }, { projection: { proto: 1 } });
      return row?.proto ? proto.Message.decode(row.proto.buffer) : undefined;
    },
    async again(messageId) {
      const row = await messages.findOne({ _id: outId(messageId) });
      if (!row?.proto) return null;
      return {
        to: row.chat,
        jid: row.sentTo ?? row.chat,
        type: row.type as Prepared["type"],
        message: proto.Message.decode(row.proto.buffer),
      };
    },
    async rank(messageId) {
      const row = await messages.findOne({ _id: outId(messageId) }, { projection: { statusRank: 1 } });
      return row?.statusRank ?? null;
    },
    async raise(messageId, status) {
      const statusRank = messageStatusRank[status];
      await messages.updateOne(
        { _id: outId(messageId), statusRank: { $lt: statusRank } },
        { $set: { status, statusRank } },
      );
    },
    async notSent(messageId) {
      const { queued: statusRank } = messageStatusRank;
      await messages.updateOne({ _id: outId(messageId), statusRank }, { $set: { status: "failed" } });
    },
  };
}

type NewRow = Omit<MessageDocument, "channelId" | "timestamp">;

/** Inserts a row unless it exists. */
async function insertOnce(
  messages: Collection<MessageDocument>,
  { _id, ...fields }: MessageDocument,
): Promise<void> {
  await messages.updateOne({ _id }, { $setOnInsert: fields }, { upsert: true });
}
