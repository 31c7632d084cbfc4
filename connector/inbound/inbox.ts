import { errorTrace } from "#shared/error-trace.ts";
import type { EventData, MessageStatus } from "#shared/events.ts";
import type { Logger } from "#shared/log.ts";
import type { BaileysEventMap, WAMessage } from "../baileys/baileys.ts";
import { createSerialQueue } from "../concurrency/serial-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import { fromWhatsApp, type SeenMessage, seenEventId } from "../messages/from-whatsapp.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";

/**
 * The one door for what WhatsApp tells: messages in order, each once; a status never before a message that came before
 * it. Baileys does not wait for it, so there is a bound: with 10,000 messages or 50,000 statuses waiting, `onError` is
 * told and nothing more is taken in. Nor is anything written after a message that could not be: the journal has them all,
 * in order, for the next session.
 */
export interface Inbox {
  /**
   * Live messages and those that waited while we were away are both news; the log decides what it has already.
   * Resolves when they are in it; if they cannot be written, `onError` is told and this stays pending.
   */
  received(batch: Pick<BaileysEventMap["messages.upsert"], "messages">): Promise<void>;
  updated(updates: BaileysEventMap["messages.update"]): void;
  /** Resolves when everything so far is in the log. */
  idle(): Promise<void>;
}

export interface InboxOptions {
  channelId: string;
  events: Pick<EventLog, "publish">;
  messageStore: Pick<MessageStore, "seen">;
  messageStatuses: Pick<MessageStatuses, "update">;
  /** The channel's own JID. */
  ownJid(): string;
  onError(error: unknown): void;
  log: Pick<Logger, "warn">;
}

interface InboxBatch {
  messages: WAMessage[];
  updates: EventData["message_status_update"][];
  /** Its messages are in the log. */
  onPublished(): void;
}

/** How much is written together at most: all channels share the connections to the database. */
const batchMax = 50;
/** How much may wait; a status is small, and they come by the thousand after a night offline. */
const waitingMax = { messages: 10_000, updates: 50_000 };

/** Baileys' numbers, in our words. */
const statusNames: Record<number, Exclude<MessageStatus, "queued" | "unknown">> = {
  0: "failed",
  2: "sent",
  3: "delivered",
  4: "read",
  5: "played",
};

export function createInbox(options: InboxOptions): Inbox {
  const { channelId, events, messageStore, messageStatuses, ownJid, onError, log } = options;
  const chain = createSerialQueue(onError);
  const waiting: InboxBatch[] = [];
  const held = { messages: 0, updates: 0 };
  let isFull = false;
  let isBroken = false;

  const take = async (seen: SeenMessage) => {
    try {
      await events.publish(seen.type, seen.data, seenEventId(channelId, seen));
    } catch (error) {
      isBroken = true;
      throw error;
    }
    await messageStore.seen(seen);
  };
  /** One that cannot be told must not end the channel, which would meet it again at the next start. */
  const read = (message: WAMessage) => {
    try {
      return fromWhatsApp(message, ownJid());
    } catch (error) {
      log.warn({ event: "inbox", ...errorTrace(error) }, "a message cannot be told");
      return null;
    }
  };
  /** News comes one by one; what came while other news was written is written together, messages first. */
  const takeWaiting = async () => {
    if (isBroken) return;
    const batch = waiting.splice(0, batchMax);
    const messages = batch.flatMap((news) => news.messages);
    const updates = batch.flatMap((news) => news.updates);
    held.messages -= messages.length;
    held.updates -= updates.length;
    const seen = messages.map(read).filter((one) => one !== null);
    await Promise.all(seen.map(take));
    for (const { onPublished } of batch) onPublished();
    await Promise.all(updates.map((update) => messageStatuses.update(update)));
  };
  /** Once full it stays so: what is left out must not be overtaken by what comes after it. */
  const push = (news: InboxBatch) => {
    if (isFull || isBroken) return;
    isFull = held.messages >= waitingMax.messages || held.updates >= waitingMax.updates;
    if (isFull) return onError(new Error("Too much news waits to be written"));
    waiting.push(news);
    held.messages += news.messages.length;
    held.updates += news.updates.length;
    chain.push(takeWaiting);
  };

  return {
    received({ messages }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      push({ messages, updates: [], onPublished: resolve });
      return promise;
    },
    updated(updates) {
      for (const news of updates.map(statusUpdateOf)) {
        if (news) push({ messages: [], updates: [news], onPublished: () => undefined });
      }
    },
    idle: () => chain.idle(),
  };
}

/** What an update says about a message of ours; null for nothing. */
function statusUpdateOf({ key, update }: BaileysEventMap["messages.update"][number]) {
  const status = statusNames[Number(update.status ?? Number.NaN)];
  if (!status || !key.fromMe || !key.id) return null;
  const error = status === "failed" ? { error: refusal(update.messageStubParameters) } : {};
  return { messageId: key.id, status, ...error };
}

function refusal(parameters: readonly string[] | null | undefined) {
  const whatsappCode = Number(parameters?.[0]);
  return { code: "whatsapp_rejected", ...(Number.isFinite(whatsappCode) ? { whatsappCode } : {}) };
}
