import type { EventData } from "#shared/events.ts";
import type { WAMessage } from "../baileys/baileys.ts";

/** Messages or statuses that WhatsApp delivered together. */
export interface InboxBatch {
  messages: WAMessage[];
  updates: EventData["message_status_update"][];
  /** Called when the messages are in the log. */
  onPublished(): void;
}

/** Holds received batches until they are written, up to a bound. */
export interface InboxBuffer {
  /** Returns false when the buffer is full. It stays full: no later batch may overtake one that was left out. */
  add(batch: InboxBatch): boolean;
  /** Removes the oldest batches, at most `batchesMax`. */
  take(batchesMax: number): InboxBatch[];
}

/** How much may wait. A status is small, and thousands arrive after a night offline. */
const waitingMax = { messages: 10_000, updates: 50_000 };

export function createInboxBuffer(): InboxBuffer {
  const waiting: InboxBatch[] = [];
  const held = { messages: 0, updates: 0 };
  let isFull = false;

  return {
    add(batch) {
      isFull ||= held.messages >= waitingMax.messages || held.updates >= waitingMax.updates;
      if (isFull) return false;
      waiting.push(batch);
      held.messages += batch.messages.length;
      held.updates += batch.updates.length;
      return true;
    },
    take(batchesMax) {
      const batches = waiting.splice(0, batchesMax);
      for (const { messages, updates } of batches) {
        held.messages -= messages.length;
        held.updates -= updates.length;
      }
      return batches;
    },
  };
}
