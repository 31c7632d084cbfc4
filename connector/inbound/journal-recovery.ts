import type { Logger } from "#shared/log.ts";
import { aborted } from "#shared/sleep.ts";
import type { AuthState } from "../auth/auth-state.ts";
import type { BinaryNode, WAMessage, WASocket } from "../baileys/baileys.ts";
import { inboundJournal } from "../baileys/inbound-journal.ts";
import type { JournaledPart } from "../baileys/journaled-part.ts";
import { replayedMessage } from "../baileys/replayed-message.ts";
import type { Inbox } from "./inbox.ts";

/** Messages that a former socket, or a former process, decrypted and did not hand over. */
export interface JournalRecovery {
  /**
   * To be called while no socket is open. Resolves when they are in the event log, in the order they came, or when the
   * session has ended. Their rows stay until WhatsApp has shown that it does not deliver them again. Rejects as reads of
   * keys do.
   */
  recover(): Promise<void>;
  /** Gives to a socket that has just opened those that are for Baileys: keys, mappings and the like from the phone. */
  handOver(wa: WASocket): void;
}

export interface JournalRecoveryOptions {
  auth: AuthState;
  inbox: Pick<Inbox, "received">;
  /** Aborts when the session has ended. */
  ended: AbortSignal;
  log: Logger;
}

type Part = readonly [row: string, part: JournaledPart];

const messagesPerBatch = 500;

export function createJournalRecovery({ auth, inbox, ended, log }: JournalRecoveryOptions): JournalRecovery {
  let forBaileys: BinaryNode[] = [];

  const read = async (parts: readonly Part[]): Promise<WAMessage | null> => {
    const { id = "", lid } = auth.state.creds.me ?? {};
    const values = parts.map(([, part]) => part);
    // Without its words: what Baileys throws may hold the message.
    return replayedMessage(values, { id, ...(lid ? { lid } : {}) }).catch(() => null);
  };

  return {
    async recover() {
      forBaileys = [];
      if (!auth.linked()) return;
      const journal = inboundJournal(auth.state.keys);
      const rows = await auth.journaled();
      journal.found(rows.keys());
      const published = journal.publishedRows();
      const left = messagesOf(rows).filter((parts) => !parts.every(([row]) => published.has(row)));
      const messages: WAMessage[] = [];
      let unreadable = [...rows.values()].filter((part) => part === null).length;
      for (const parts of left) {
        const message = await read(parts);
        if (!message?.key.id) {
          unreadable++;
          continue;
        }
        journal.recovered(
          message.key.id,
          parts.map(([row]) => row),
        );
        if (isForBaileys(message)) forBaileys.push(journal.stanzaOf(parts));
        else messages.push(message);
      }
      if (unreadable > 0) log.warn({ event: "journal", unreadable }, "rows that cannot be read are left");
      for (let from = 0; from < messages.length; from += messagesPerBatch) {
        const batch = messages.slice(from, from + messagesPerBatch);
        await Promise.race([inbox.received({ messages: batch }), aborted(ended)]);
        if (ended.aborted) return;
        journal.published(batch);
      }
      if (left.length > 0) log.info({ event: "journal", recovered: left.length }, "left messages are told");
    },
    handOver({ ws }) {
      for (const stanza of forBaileys) ws.emit("CB:message", stanza);
      forBaileys = [];
    },
  };
}

/** The parts of each message in their order, the messages in the order they came. */
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

function isPart(part: JournaledPart | null): part is JournaledPart {
  return part !== null;
}

/** What the phone tells its own devices is worked off inside Baileys, and twice is as good as once. */
function isForBaileys({ key, message }: WAMessage): boolean {
  return Boolean(key.fromMe && message?.protocolMessage);
}
