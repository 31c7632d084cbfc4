/** Takes in what WhatsApp delivers, in order, and publishes each message once. */

import { errorTrace } from "#shared/error-trace.ts";
import type { BaileysEventMap, WAMessage } from "../baileys/baileys.ts";
import { createSerialQueue } from "../concurrency/serial-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import { deduplicationId } from "../messages/deduplication-id.ts";
import { fromWhatsApp, type SeenMessage } from "../messages/from-whatsapp.ts";
import type { MessageStatuses } from "../messages/message-status.ts";
import type { MessageStore } from "../messages/message-store.ts";
import { statusFromWhatsApp } from "../messages/status-from-whatsapp.ts";
import type { SessionScope } from "../session-scope.ts";
import { createInboxBuffer, type InboxBatch } from "./inbox-buffer.ts";

/**
 * The only way in for what WhatsApp delivers: messages in order and once, and a status never before a message that arrived
 * before it. Baileys does not wait for the inbox, so it is bounded: with 10,000 messages or 50,000 statuses waiting it fails
 * the session and takes nothing more. It also stops at the first message that cannot be written: the journal has that one
 * and all later ones, in order, for the next session.
 */
export interface Inbox {
  /**
   * Takes live messages, and those that WhatsApp kept while we were offline; the log drops what it already has. Resolves
   * when they are in the log. If they cannot be written, the session fails and this stays pending.
   */
  received(batch: Pick<BaileysEventMap["messages.upsert"], "messages">): Promise<void>;
  updated(updates: BaileysEventMap["messages.update"]): void;
  /** Resolves when everything received so far is in the log. */
  idle(): Promise<void>;
}

export interface InboxOptions {
  events: Pick<EventLog, "publish">;
  messageStore: Pick<MessageStore, "seen">;
  messageStatuses: Pick<MessageStatuses, "update">;
  /** The channel's own JID. */
  ownJid(): string;
}

/** How many batches are written together: all channels share the connections to the database. */
const batchMax = 50;

export function createInbox(
  { channelId, fail, log }: Pick<SessionScope, "channelId" | "fail" | "log">,
  { events, messageStore, messageStatuses, ownJid }: InboxOptions,
): Inbox {
  const writes = createSerialQueue(fail);
  const buffer = createInboxBuffer();
  let isFull = false;
  /** A message could not be written. */
  let isBroken = false;

  const publish = async (seen: SeenMessage) => {
    try {
      await events.publish(seen.type, seen.data, deduplicationId(channelId, seen));
    } catch (error) {
      isBroken = true;
      throw error;
    }
    await messageStore.seen(seen);
  };
  /** A message we cannot convert must not fail the session: it would fail again on every restart. */
  const convert = (message: WAMessage) => {
    try {
      return fromWhatsApp(message, ownJid());
    } catch (error) {
      log.warn({ event: "inbox", ...errorTrace(error) }, "message skipped: cannot be converted");
      return null;
    }
  };
  /** Writes the batches that arrived during the last write together, messages first. */
  const writeWaiting = async () => {
    if (isBroken) return;
    const batches = buffer.take(batchMax);
    const messages = batches.flatMap((batch) => batch.messages);
    const updates = batches.flatMap((batch) => batch.updates);
    const seen = messages.map(convert).filter((one) => one !== null);
    await Promise.all(seen.map(publish));
    for (const { onPublished } of batches) onPublished();
    await Promise.all(updates.map((update) => messageStatuses.update(update)));
  };
  const push = (batch: InboxBatch) => {
    if (isFull || isBroken) return;
    isFull = !buffer.add(batch);
    if (isFull) return fail(new Error("Too many received messages wait to be written"));
    writes.push(writeWaiting);
  };

  return {
    received({ messages }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      push({ messages, updates: [], onPublished: resolve });
      return promise;
    },
    updated(updates) {
      for (const update of updates.map(statusFromWhatsApp)) {
        if (update) push({ messages: [], updates: [update], onPublished: () => undefined });
      }
    },
    idle: () => writes.idle(),
  };
}
