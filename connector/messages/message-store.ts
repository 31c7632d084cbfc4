/** Converts messages between WhatsApp's form and ours, and keeps the row and the status of each. */

import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { StatusStep } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { messageStatusRank } from "#shared/events.ts";
import { proto } from "../baileys/baileys.ts";
import { dateOf, type Fence } from "../ownership/fence.ts";
import { lateRaises } from "./late-raises.ts";
import { foldOf, type SeenChange } from "./message-changes.ts";
import { chatsOf, createMessageReads, type MessageReads, type OwnMessage } from "./message-reads.ts";
import {
  type NewRow,
  outId,
  rowOfSeen,
  rowOfSend,
  type SeenContent,
  type SentMessage,
} from "./message-rows.ts";
import type { MessageSeal } from "./message-seal.ts";
import { type MessageWrite, messageWriter } from "./message-writes.ts";

/** Whose a change is, and whose the message that it changes: every address of each that is known. */
interface ChangedBy {
  chats: readonly string[];
  /** Null for a message of the channel's own account. */
  authors: readonly string[] | null;
}

/** One channel's rows in `messages`: a monotonic projection of the log, and the records of sends; see `durability.md`. */
export interface MessageStore extends MessageReads {
  /** Records a message before its stanza leaves, for contacts that ask for it again. */
  sending(sent: SentMessage, message: proto.IMessage): Promise<void>;
  /** Stores a message that was received, or sent from another device of the account. `encoded`: the whole, as it came. */
  seen(message: SeenContent, encoded: Uint8Array): Promise<void>;
  /** Enters a change into the row of its message, if there is one. Call it when that row is stored, and in order. */
  changed(change: SeenChange, by: ChangedBy): Promise<void>;
  /** Resolves when the message's row has this status or a higher one, which is a moment later: see `late-raises.ts`. */
  raise(messageId: string, step: NewStep): Promise<void>;
  /** Writes the raises that wait. Resolves when they are written, or could not be. */
  flush(): Promise<void>;
  /** Marks a message that did not reach the wire; after a retry its status rises from the start. */
  notSent(messageId: string, error: StatusStep["error"]): Promise<void>;
}

/** A status, dated now unless it says when. */
type NewStep = Omit<StatusStep, "at"> & Partial<Pick<StatusStep, "at">>;

const rememberedMax = 5_000;

export function createMessageStore(
  { messages }: Pick<Collections, "messages">,
  channelId: string,
  seals: MessageSeal,
  clock: Pick<Fence, "now"> = {},
): MessageStore {
  const out = (messageId: string) => ({ _id: outId(channelId, messageId), channelId });
  /** The chats of messages that were sent a moment ago, whose receipts are about to arrive. */
  const recent = createBoundedCache<OwnMessage>(rememberedMax);
  const writer = messageWriter(messages);
  const raises = lateRaises(messages);
  const put = (row: NewRow) => writer.submit(insertion(channelId, row, dateOf(clock)));
  return {
    ...createMessageReads(messages, channelId, seals, recent),
    async sending(sent, message) {
      const { _id } = out(sent.messageId);
      const sealed = await seals.seal(_id, proto.Message.encode(message).finish());
      const row = rowOfSend(_id, sent, sealed);
      recent.set(sent.messageId, { chats: chatsOf(row) });
      await put(row);
    },
    async seen(message, encoded) {
      const { chat, sender, messageId, type } = message;
      const isIncoming = type === "incoming_message";
      const _id = isIncoming ? `${channelId}/in/${chat}/${sender}/${messageId}` : out(messageId)._id;
      await put(rowOfSeen(_id, message, await seals.seal(_id, encoded)));
    },
    async changed(change, { chats, authors }) {
      const fold = foldOf(change);
      if (!fold) return;
      const { messageId } = change.data;
      const received = { channelId, messageId, direction: "in" as const, chat: { $in: [...chats] } };
      const target = authors ? { ...received, sender: { $in: [...authors] } } : out(messageId);
      await writer.submit({ filter: { ...target, ...fold.only }, update: fold.update });
    },
    raise: (messageId, step) => raises.raise(out(messageId), { at: dateOf(clock), ...step }),
    flush: raises.flush,
    async notSent(messageId, error) {
      const { queued: statusRank } = messageStatusRank;
      const filter = { ...out(messageId), statusRank };
      const step: StatusStep = { status: "failed", at: dateOf(clock), ...(error && { error }) };
      await writer.submit({ filter, update: { $set: { status: "failed" }, $push: { history: step } } });
    },
  };
}

/** Inserts a row unless it exists. */
function insertion(channelId: string, { _id, ...row }: NewRow, recordedAt: Date): MessageWrite {
  return { filter: { _id, channelId }, update: { $setOnInsert: { ...row, recordedAt } }, upsert: true };
}
