/** Takes in what WhatsApp delivers, in order, and publishes each message once. */

import type { BaileysEventMap, WAMessage } from "../baileys/baileys.ts";
import { createSerialQueue } from "../concurrency/serial-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import type { OwnMessage } from "../messages/message-reads.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import type { Parties } from "../messages/parties.ts";
import { type ReportedStatus, statusFromWhatsApp } from "../messages/status-from-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import { convertMessages } from "./convert-messages.ts";
import { createKeptMessages } from "./kept-messages.ts";
import { publishAll, type TakenIn } from "./taken-in.ts";

/**
 * The only way in for what WhatsApp delivers: messages in order and once, and a status never before a message that arrived
 * before it. Baileys does not wait for the inbox; `connection/back-pressure.ts` bounds what waits in it by holding back the
 * socket. The inbox stops at the first message that cannot be written: the journal has that one and all later ones, in order,
 * for the next session.
 */
export interface Inbox {
  /**
   * Takes live messages, and those that WhatsApp kept while we were offline; the log drops what it already has. Resolves
   * when they are in the log. If they cannot be written, the session fails and this stays pending.
   */
  received(batch: Pick<BaileysEventMap["messages.upsert"], "messages">): Promise<void>;
  /** Takes in statuses; drops those that are not about a message of ours, or not from one of those whom it was for. */
  updated(updates: BaileysEventMap["messages.update"]): void;
  /** Resolves when everything received so far is in the log. */
  idle(): Promise<void>;
}

export interface InboxOptions {
  events: Pick<EventLog, "publish" | "has">;
  messageStore: Pick<MessageStore, "seen" | "changed" | "own">;
  messageStatuses: Pick<MessageStatuses, "update">;
  parties: Pick<Parties, "isOneOf" | "isOwn" | "addressesOf" | "numbersOf">;
  /** The channel's own JID. */
  ownJid(): string;
}

/** How many batches are written together: all channels share the connections to the database. */
const batchMax = 50;
/** How many further batches of statuses one query looks ahead. */
const reportsMax = 1_000;

/** A reported status, with the message that it is about once that is known to be ours. */
interface Report extends ReportedStatus {
  message?: OwnMessage;
}

/** Messages or statuses that WhatsApp delivered together. */
interface Batch {
  messages: WAMessage[];
  reports: Report[];
  /** Called when the messages are in the log. */
  onPublished(): void;
}

export function createInbox(
  { channelId, fail, log }: Pick<SessionScope, "channelId" | "fail" | "log">,
  { events, messageStore, messageStatuses, parties, ownJid }: InboxOptions,
): Inbox {
  const writes = createSerialQueue(fail);
  const kept = createKeptMessages({ messageStore, parties });
  const waiting: Batch[] = [];
  /** A message could not be written. */
  let isBroken = false;

  const keep = async (published: readonly TakenIn[], batches: readonly Batch[]) => {
    try {
      await kept.keep(published);
      for (const { onPublished } of batches) onPublished();
    } catch (error) {
      isBroken = true;
      fail(error);
    }
  };
  const publish = async (batches: readonly Batch[]) => {
    const received = batches.flatMap(({ messages }) => messages);
    const converted = convertMessages(received, { jid: ownJid(), isOwn: parties.isOwn }, log);
    try {
      return await publishAll(channelId, converted, { parties, events });
    } catch (error) {
      isBroken = true;
      throw error;
    }
  };
  /**
   * Drops the reports that are not about a message of ours, with one query for these batches and for those behind them:
   * whoever reports made-up ids must not keep others waiting.
   */
  const dropForeign = async (batches: Batch[]) => {
    if (batches.every(({ reports }) => reports.every(({ message }) => message))) return;
    const checked = [...batches, ...leadingReports(waiting)];
    const unchecked = checked.flatMap(({ reports }) => reports).filter(({ message }) => !message);
    const own = await messageStore.own(unchecked.map(({ update }) => update.messageId));
    for (const batch of checked) {
      batch.reports = batch.reports.flatMap((report) => {
        const message = report.message ?? own.get(report.update.messageId);
        return message ? [{ ...report, message }] : [];
      });
    }
  };
  /** A report counts only from those whom the message was for. */
  const raise = async ({ update, chat, isRefusal, message }: Report) => {
    if (!isRefusal && !(await parties.isOneOf(chat ?? ownJid(), message?.chats ?? []))) return;
    await messageStatuses.update(update, message?.statusRank);
  };
  /**
   * Writes the batches that arrived during the last write together, messages first. The next messages do not wait for the rows
   * of these.
   */
  const writeWaiting = async () => {
    if (isBroken) return;
    const batches = waiting.splice(0, batchMax);
    const published = await publish(batches);
    void keep(published, batches);
    if (batches.every(({ reports }) => reports.length === 0)) return;
    await kept.idle();
    await dropForeign(batches);
    await Promise.all(batches.flatMap(({ reports }) => reports).map(raise));
  };
  const push = (batch: Batch) => {
    if (isBroken) return;
    waiting.push(batch);
    writes.push(writeWaiting);
  };

  return {
    received({ messages }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      push({ messages, reports: [], onPublished: resolve });
      return promise;
    },
    updated(updates) {
      for (const report of updates.map(statusFromWhatsApp)) {
        if (report) push({ messages: [], reports: [report], onPublished: () => undefined });
      }
    },
    async idle() {
      await writes.idle();
      await kept.idle();
    },
  };
}

/** The oldest batches that hold statuses only, up to a limit: nothing before them has yet to be written. */
function leadingReports(waiting: readonly Batch[]): Batch[] {
  const end = waiting.findIndex(({ messages }, index) => messages.length > 0 || index >= reportsMax);
  return waiting.slice(0, end < 0 ? waiting.length : end);
}
