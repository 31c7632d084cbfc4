import { rememberArrival } from "./arrivals.ts";
import type { BaileysEventMap, BinaryNode, WASocket } from "./baileys.ts";
import type { InboundJournal } from "./inbound-journal.ts";
import { decryptedParts, markHandedOver } from "./message-turns.ts";

/** Receives new messages and their updates. */
export interface IntakeListener {
  /** Resolves when the batch is in the event log; stays pending if it cannot be written to it. */
  received(batch: BaileysEventMap["messages.upsert"]): Promise<void>;
  updated(updates: BaileysEventMap["messages.update"]): void;
}

type Journal = Pick<InboundJournal, "connecting" | "arrived" | "published" | "confirmed" | "caughtUp">;

/** How long a message being handed over delays the end of its connection. */
const betweenMessagesMs = 1_000;

/**
 * Makes a new socket hand over messages one at a time, in the order WhatsApp delivers them, without delay. Live
 * messages pass through Baileys' queue for offline messages, since they would otherwise overtake those and each other.
 * No message passes through Baileys' event buffer, which delays them by 100 ms or more and is discarded with the
 * socket.
 */
export function takeInOrder(wa: WASocket, journal: Journal, listener: IntakeListener): void {
  journal.connecting();
  wa.ws.prependListener("CB:message", (stanza: BinaryNode) => {
    stanza.attrs.offline ??= "0";
    journal.arrived(stanza);
  });
  wa.ws.on("CB:ack,class:receipt", ({ attrs }: BinaryNode) => {
    if (attrs.id) journal.confirmed(attrs.id);
  });
  wa.ws.on("CB:ib,,offline", () => journal.caughtUp());
  const received = (batch: BaileysEventMap["messages.upsert"]) => {
    // A message without content is a placeholder: the journal has no row for it.
    const messages = batch.messages.filter(({ message }) => message);
    const [one] = messages;
    if (one && messages.length === 1) rememberArrival(one, decryptedParts());
    void listener.received(batch).then(() => journal.published(messages));
    markHandedOver();
    return true;
  };
  const updated = (updates: BaileysEventMap["messages.update"]) => {
    listener.updated(updates);
    return true;
  };
  const { emit } = wa.ev;
  wa.ev.emit = (event, data) => {
    if (event === "messages.upsert") return received(data as BaileysEventMap["messages.upsert"]);
    if (event === "messages.update") return updated(data as BaileysEventMap["messages.update"]);
    return emit(event, data);
  };
}

/**
 * Runs `end` between two messages, so that none is acknowledged but not handed over. Waits at most 1 s for the current
 * message. Resolves when `end` has settled.
 */
export async function betweenMessages(
  wa: Pick<WASocket, "messageMutex">,
  end: () => Promise<void>,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let begun: Promise<void> | undefined;
  const begin = () => {
    begun ??= end().then(ended.resolve, ended.resolve);
    return begun;
  };
  const timer = setTimeout(begin, betweenMessagesMs);
  wa.messageMutex.mutex(begin).catch(ended.resolve);
  await ended.promise;
  clearTimeout(timer);
}
