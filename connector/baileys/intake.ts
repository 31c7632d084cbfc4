import type { BaileysEventMap, BinaryNode, WASocket } from "./baileys.ts";
import type { InboundJournal } from "./inbound-journal.ts";

/** Where news of messages goes. */
export interface IntakeListener {
  /** Resolves when the batch is in the event log; stays pending if it cannot be written. */
  received(batch: BaileysEventMap["messages.upsert"]): Promise<void>;
  updated(updates: BaileysEventMap["messages.update"]): void;
}

type Journal = Pick<InboundJournal, "connecting" | "arrived" | "published" | "confirmed" | "caughtUp">;

/** How long a message that is being taken in holds the end of its connection up. */
const betweenMessagesMs = 1_000;

/**
 * Makes a fresh socket hand over messages one after the other, in the order WhatsApp delivers them, and at once. Live
 * messages go through the queue that Baileys has for those that waited (else they overtake these and each other), and
 * none through its event buffer, which holds them back for 100 ms and more and is thrown away with the socket.
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
    // A placeholder stands for what could not be decrypted, or not in time: that is not in the log.
    const messages = batch.messages.filter(({ message }) => message);
    void listener.received(batch).then(() => journal.published(messages));
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
 * Runs `end` between two messages, so that none is acknowledged and then not handed over; after 1 s it no longer waits
 * for that. Resolves when `end` has settled.
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
  const impatience = setTimeout(begin, betweenMessagesMs);
  wa.messageMutex.mutex(begin).catch(ended.resolve);
  await ended.promise;
  clearTimeout(impatience);
}
