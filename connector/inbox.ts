import type { MessageStatus } from "../shared/events.ts";
import type { Logger } from "../shared/log.ts";
import type { BaileysEventMap, WAMessage } from "./baileys/baileys.ts";
import { createChain } from "./chain.ts";
import type { Delivery } from "./delivery.ts";
import { errorTrace } from "./error-trace.ts";
import type { EventLog } from "./event-log.ts";
import { fromWhatsApp, type Seen, seenEventId } from "./from-whatsapp.ts";
import type { MessageRecord } from "./message-record.ts";

/** The one door for what WhatsApp tells: in order, each message once. */
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
  record: Pick<MessageRecord, "seen">;
  delivery: Pick<Delivery, "update">;
  /** The channel's own JID. */
  self(): string;
  onError(error: unknown): void;
  log: Pick<Logger, "warn">;
}

/** How much is written together at most. */
const batchesMax = 100;

/** Baileys' numbers, in our words. */
const statusNames: Record<number, Exclude<MessageStatus, "queued" | "unknown">> = {
  0: "failed",
  2: "sent",
  3: "delivered",
  4: "read",
  5: "played",
};

export function createInbox(options: InboxOptions): Inbox {
  const { channelId, events, record, delivery, self, onError, log } = options;
  const chain = createChain(onError);
  const waiting: Array<{ messages: WAMessage[]; resolve(): void }> = [];

  const take = async (seen: Seen) => {
    await events.publish(seen.type, seen.data, seenEventId(channelId, seen));
    await record.seen(seen);
  };
  /** One that cannot be told must not end the channel, which would meet it again at the next start. */
  const read = (message: WAMessage) => {
    try {
      return fromWhatsApp(message, self());
    } catch (error) {
      log.warn({ event: "inbox", ...errorTrace(error) }, "a message cannot be told");
      return null;
    }
  };
  /** Messages come one by one; those that came while others were written are written together. */
  const takeWaiting = async () => {
    const batches = waiting.splice(0, batchesMax);
    const messages = batches.flatMap((batch) => batch.messages);
    const seen = messages.map(read).filter((one) => one !== null);
    await Promise.all(seen.map(take));
    for (const { resolve } of batches) resolve();
  };
  const update = async ({ key, update }: BaileysEventMap["messages.update"][number]) => {
    const status = statusNames[Number(update.status ?? Number.NaN)];
    if (!status || !key.fromMe || !key.id) return;
    const error = status === "failed" ? { error: refusal(update.messageStubParameters) } : {};
    await delivery.update({ messageId: key.id, status, ...error });
  };

  return {
    received({ messages }) {
      const taken = Promise.withResolvers<void>();
      waiting.push({ messages, resolve: taken.resolve });
      chain.push(takeWaiting);
      return taken.promise;
    },
    updated(updates) {
      chain.push(async () => {
        for (const one of updates) await update(one);
      });
    },
    idle: () => chain.idle(),
  };
}

function refusal(parameters: readonly string[] | null | undefined) {
  const whatsappCode = Number(parameters?.[0]);
  return { code: "whatsapp_rejected", ...(Number.isFinite(whatsappCode) ? { whatsappCode } : {}) };
}
