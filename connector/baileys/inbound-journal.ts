import { createHash } from "node:crypto";
import type {
  BinaryNode,
  SignalKeyStore,
  SignalKeyStoreWithTransaction,
  SocketConfig,
  WAMessage,
} from "./baileys.ts";
import { createJournalIndex, type JournalIndex } from "./journal-index.ts";
import { createJournalRetention, type JournalRetention } from "./journal-retention.ts";
import type { JournaledPart } from "./journaled-part.ts";
import { noteDecrypted } from "./message-turns.ts";
import { limited } from "./too-large.ts";

type SignalRepository = ReturnType<SocketConfig["makeSignalRepository"]>;
type Rows = Record<string, JournaledPart | null>;

/** The journal's rows in the key store, of a type that Baileys does not know and passes on like any other. */
interface InboundKeys {
  get(type: "inbound", ids: string[]): Promise<Record<string, JournaledPart | undefined>>;
  set(data: { inbound: Rows }): void | Promise<void>;
}

/** The plaintexts of decrypted messages, kept until each message is in the event log and WhatsApp is done with it. */
export interface InboundJournal extends Pick<JournalRetention, "confirmed" | "caughtUp" | "publishedRows"> {
  /** Call for each new socket, before it delivers anything. */
  connecting(): void;
  /** Call for each message, before Baileys handles it. */
  arrived(stanza: BinaryNode): void;
  /**
   * Decrypts each message once: the plaintext is stored in the same write as the ratchet. So a message that WhatsApp
   * redelivers, because its receipt was lost, is read again instead of being refused for a used key.
   */
  decryptingOnce(keys: SignalKeyStoreWithTransaction, repository: SignalRepository): SignalRepository;
  /** These are all stored rows: from then on no other row is read before a message is decrypted. */
  found(rows: Iterable<string>): void;
  /** These rows, left by a former process, belong to this message. */
  recovered(messageId: string, rows: Iterable<string>): void;
  /** The stanza of a message that has been decrypted, for Baileys to handle like any other. */
  stanzaOf(parts: ReadonlyArray<readonly [row: string, part: JournaledPart]>): BinaryNode;
  /** These messages are in the event log. */
  published(messages: readonly Pick<WAMessage, "key">[]): void;
  /** The socket has ended: until the next one, rows are deleted at once instead of within half a second. */
  hurry(): void;
}

const deleteAfterMs = 500;
const journals = new WeakMap<SignalKeyStore, InboundJournal>();

/** The journal of a key store, shared by all its sockets: a message may arrive on one and again on the next. */
export function inboundJournal(store: SignalKeyStore): InboundJournal {
  const known = journals.get(store);
  if (known) return known;
  const journal = new KeyStoreJournal(store);
  journals.set(store, journal);
  return journal;
}

/** A part of a message on its way through Baileys, identified by the bytes object in which it was delivered. */
interface DeliveredPart {
  messageId: string | undefined;
  row: string;
  origin: Omit<JournaledPart, "plaintext">;
  /** Set if the part has been decrypted before. */
  plaintext?: Uint8Array;
}

/** Keeps the journal as rows of a key store. */
class KeyStoreJournal implements InboundJournal {
  readonly #rows: InboundKeys;
  readonly #index = createJournalIndex();
  readonly #retention = createJournalRetention((rows) => this.#drop(rows));
  readonly #delivered = new WeakMap<Uint8Array, DeliveredPart>();
  /** Rows to delete. */
  readonly #dropped = new Set<string>();
  #deletion: NodeJS.Timeout | undefined;
  #isHurried = false;
  #arrivals = 0;

  constructor(store: SignalKeyStore) {
    this.#rows = inbound(store);
  }

  connecting(): void {
    this.#isHurried = false;
    this.#retention.connecting();
  }

  arrived({ attrs, content }: BinaryNode): void {
    const arrival = ++this.#arrivals;
    if (attrs.id) this.#retention.arrived(attrs.id);
    for (const [part, { attrs: enc, content: bytes }] of childrenOf(content).entries()) {
      if (!(bytes instanceof Uint8Array) || this.#delivered.has(bytes)) continue;
      const origin = { stanza: { ...attrs }, enc: { ...enc }, arrival, part };
      this.#delivered.set(bytes, { messageId: attrs.id, row: rowOf(attrs, bytes), origin });
    }
  }

  decryptingOnce(keys: SignalKeyStoreWithTransaction, repository: SignalRepository): SignalRepository {
    return {
      ...repository,
      decryptMessage: (options) =>
        this.#decryptOnce(keys, options.ciphertext, () => repository.decryptMessage(options)),
      decryptGroupMessage: (options) =>
        this.#decryptOnce(keys, options.msg, () => repository.decryptGroupMessage(options)),
    };
  }

  found(rows: Iterable<string>): void {
    this.#index.found(rows);
  }

  recovered(messageId: string, rows: Iterable<string>): void {
    for (const row of rows) this.#retention.stored(messageId, row);
  }

  stanzaOf(parts: ReadonlyArray<readonly [row: string, part: JournaledPart]>): BinaryNode {
    const attrs = { ...parts[0]?.[1].stanza };
    const content = parts.map(([row, { plaintext, enc, ...origin }]) => {
      const bytes = Buffer.from(plaintext);
      this.#delivered.set(bytes, { messageId: attrs.id, row, origin: { ...origin, enc }, plaintext });
      return { tag: "enc", attrs: enc, content: bytes };
    });
    return { tag: "message", attrs, content };
  }

  published(messages: readonly Pick<WAMessage, "key">[]): void {
    for (const { key } of messages) if (key.id) this.#retention.published(key.id);
  }

  confirmed(messageId: string): void {
    this.#retention.confirmed(messageId);
  }

  caughtUp(): void {
    this.#retention.caughtUp();
  }

  publishedRows(): Set<string> {
    return this.#retention.publishedRows();
  }

  hurry(): void {
    this.#isHurried = true;
    clearTimeout(this.#deletion);
    this.#scheduleDeletion();
  }

  async #decryptOnce(
    keys: SignalKeyStoreWithTransaction,
    ciphertext: Uint8Array,
    decrypt: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const part = this.#delivered.get(ciphertext) ?? unannounced(ciphertext);
    if (part.messageId) this.#retention.stored(part.messageId, part.row);
    if (part.plaintext) return noted(part, part.plaintext);
    const outcome = await keys.transaction(
      () => decryptOrRead(inbound(keys), this.#index, part, decrypt),
      "inbound",
    );
    if ("error" in outcome) throw outcome.error;
    return noted(part, outcome.plaintext);
  }

  #drop(rows: Iterable<string>): void {
    for (const row of rows) this.#dropped.add(row);
    this.#scheduleDeletion();
  }

  #scheduleDeletion(): void {
    if (this.#dropped.size === 0) return;
    if (this.#isHurried) this.#deleteDropped();
    else this.#deletion ??= setTimeout(() => this.#deleteDropped(), deleteAfterMs).unref();
  }

  #deleteDropped(): void {
    this.#deletion = undefined;
    const rows: Rows = Object.fromEntries(Array.from(this.#dropped, (row) => [row, null]));
    this.#dropped.clear();
    // A store that has ended rejects the write; the rows expire then.
    Promise.resolve(this.#rows.set({ inbound: rows })).catch(() => undefined);
    this.#index.deleted(Object.keys(rows));
  }
}

/** Tells whoever takes the message in from what it was decrypted. */
function noted({ origin }: DeliveredPart, plaintext: Uint8Array): Uint8Array {
  noteDecrypted({ ...origin, plaintext });
  return plaintext;
}

function childrenOf(content: BinaryNode["content"]): BinaryNode[] {
  return Array.isArray(content) ? content : [];
}

/** Covers sender and id, not only the bytes, so that no sender can pass off another's message as their own. */
function rowOf({ from, participant = "", id }: BinaryNode["attrs"], ciphertext: Uint8Array): string {
  const origin = JSON.stringify([from, participant, id]);
  return createHash("sha256").update(origin).update(ciphertext).digest("base64url");
}

/** A part that `arrived` did not see: it is kept for a redelivery, but cannot be handed over later. */
function unannounced(ciphertext: Uint8Array): DeliveredPart {
  const origin = { stanza: {}, enc: {}, arrival: 0, part: 0 };
  return { messageId: undefined, row: rowOf({}, ciphertext), origin };
}

/**
 * Runs inside a transaction that the channel's other messages wait for, so it first reads the row only if that may be
 * stored. A row that the former owner's last write added after `found` is read once decryption fails on the used key.
 * Returns a failure instead of throwing it, so that what Baileys wrote before it, a new identity, is kept.
 */
async function decryptOrRead(
  keys: InboundKeys,
  index: JournalIndex,
  { row, origin }: DeliveredPart,
  decrypt: () => Promise<Uint8Array>,
): Promise<{ plaintext: Uint8Array } | { error: unknown }> {
  const read = async () => (await keys.get("inbound", [row]))[row];
  const mayBeStored = index.mayHave(row);
  const known = mayBeStored ? await read() : undefined;
  if (known) return known;
  try {
    const plaintext = limited(await decrypt());
    index.writing(row);
    await keys.set({ inbound: { [row]: { plaintext, ...origin } } });
    return { plaintext };
  } catch (error) {
    return (mayBeStored ? undefined : await read()) ?? { error };
  }
}

function inbound(keys: SignalKeyStore): InboundKeys {
  return keys as unknown as InboundKeys;
}
