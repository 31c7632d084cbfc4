import { aborted } from "#shared/sleep.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { BinaryNode, WAMessage, WASocket } from "../baileys/baileys.ts";
import { type InboundJournal, inboundJournal } from "../baileys/inbound-journal.ts";
import type { JournaledPart } from "../baileys/journaled-part.ts";
import { replayedMessage } from "../baileys/replayed-message.ts";
import type { SessionScope } from "../session-scope.ts";
import type { Inbox } from "./inbox.ts";

/** Recovers messages that an earlier socket or process decrypted and did not publish. */
export interface JournalRecovery {
  /**
   * Call it while no socket is open. Resolves when the messages are in the event log, in arrival order, or when the session
   * has ended. Their journal rows stay until WhatsApp can no longer redeliver them. Rejects as reads of keys do.
   */
  recover(): Promise<void>;
  /** Passes recovered messages that Baileys itself handles (keys and mappings from the phone) to a newly opened socket. */
  handOver(wa: WASocket): void;
}

export interface JournalRecoveryOptions {
  auth: AuthState;
  inbox: Pick<Inbox, "received">;
}

type Part = readonly [row: string, part: JournaledPart];

const messagesPerBatch = 500;

export function createJournalRecovery(
  { ended, log }: Pick<SessionScope, "ended" | "log">,
  { auth, inbox }: JournalRecoveryOptions,
): JournalRecovery {
  let forBaileys: BinaryNode[] = [];

  const read = async (parts: readonly Part[]): Promise<WAMessage | null> => {
    const { id = "", lid } = auth.state.creds.me ?? {};
    const values = parts.map(([, part]) => part);
    // Drops the error: what Baileys throws may contain the message.
    return replayedMessage(values, { id, ...(lid ? { lid } : {}) }).catch(() => null);
  };

  const publish = async (journal: InboundJournal, messages: WAMessage[]) => {
    for (let from = 0; from < messages.length; from += messagesPerBatch) {
      const batch = messages.slice(from, from + messagesPerBatch);
      await Promise.race([inbox.received({ messages: batch }), aborted(ended)]);
      if (ended.aborted) return false;
      journal.published(batch);
    }
    return true;
  };

  return {
    async recover() {
      forBaileys = [];
      if (!auth.linked()) return;
      const journal = inboundJournal(auth.state.keys);
      const rows = await auth.journaled();
      journal.found(rows.keys());
      const published = journal.publishedRows();
      const unpublished = messagesOf(rows).filter((parts) => !parts.every(([row]) => published.has(row)));
      const messages: WAMessage[] = [];
      let unreadable = [...rows.values()].filter((part) => !isPart(part)).length;
      for (const parts of unpublished) {
        const message = await read(parts);
        if (!message?.key.id) {
          unreadable++;
          continue;
        }
        const rowsOfMessage = parts.map(([row]) => row);
        journal.recovered(message.key.id, rowsOfMessage);
        if (isForBaileys(message)) forBaileys.push(journal.stanzaOf(parts));
        else messages.push(message);
      }
      if (unreadable > 0) log.warn({ event: "journal", unreadable }, "journal rows skipped: cannot be read");
      if (!(await publish(journal, messages))) return;
      const recovered = unpublished.length;
      if (recovered > 0) log.info({ event: "journal", recovered }, "recovered messages published");
    },
    handOver({ ws }) {
      for (const stanza of forBaileys) ws.emit("CB:message", stanza);
      forBaileys = [];
    },
  };
}

/** Groups journal rows into messages: parts in order, messages in arrival order. */
function messagesOf(rows: ReadonlyMap<string, JournaledPart | null>): Part[][] {
  const messages = new Map<string, Part[]>();
  const parts = Array.from(rows).filter((entry): entry is [string, JournaledPart] => isPart(entry[1]));
  for (const entry of parts.sort(([, a], [, b]) => a.arrival - b.arrival || a.part - b.part)) {
    const { from, participant, id } = entry[1].stanza;
    const name = JSON.stringify([from, participant, id]);
    messages.set(name, [...(messages.get(name) ?? []), entry]);
  }
  return [...messages.values()];
}

/** A row of another shape must not end every start. */
function isPart(part: JournaledPart | null): part is JournaledPart {
  return typeof part?.stanza === "object" && part.stanza !== null && part.plaintext instanceof Uint8Array;
}

/** Baileys handles the phone's messages to its own devices. Handling one twice does no harm. */
function isForBaileys({ key, message }: WAMessage): boolean {
  return Boolean(key.fromMe && message?.protocolMessage);
}
