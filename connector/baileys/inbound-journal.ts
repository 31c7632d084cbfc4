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

type SignalRepository = ReturnType<SocketConfig["makeSignalRepository"]>;
type Rows = Record<string, JournaledPart | null>;

/** The journal's own rows, of a type that Baileys does not know and passes on like any other. */
interface InboundKeys {
  get(type: "inbound", ids: string[]): Promise<Record<string, JournaledPart | undefined>>;
  set(data: { inbound: Rows }): void | Promise<void>;
}

/** What messages were decrypted to, until they are in the event log and WhatsApp delivers them no more. */
export interface InboundJournal extends Pick<JournalRetention, "confirmed" | "caughtUp" | "publishedRows"> {
  /** To be told of each new socket, before it delivers anything. */
  connecting(): void;
  /** To be told of each message before Baileys handles it. */
  arrived(stanza: BinaryNode): void;
  /**
   * Decrypts each message once: the plaintext is stored in the same write as the ratchet, so that a message which
   * WhatsApp delivers again, since its receipt was lost, is read again and not refused as a key used already.
   */
  decryptingOnce(keys: SignalKeyStoreWithTransaction, repository: SignalRepository): SignalRepository;
  /** These are all rows that are stored: from now on no other is looked for before a message is decrypted. */
  found(rows: Iterable<string>): void;
  /** Rows that a former process left are this message's. */
  recovered(messageId: string, rows: Iterable<string>): void;
  /** The stanza of a message that was decrypted before, to be delivered like any other. */
  stanzaOf(parts: ReadonlyArray<readonly [row: string, part: JournaledPart]>): BinaryNode;
  /** These are in the event log. */
  published(messages: readonly Pick<WAMessage, "key">[]): void;
  /** The socket has ended: until the next one, rows are deleted at once and not within half a second. */
  hurry(): void;
}

const deleteAfterMs = 500;
const journals = new WeakMap<SignalKeyStore, InboundJournal>();

/** The journal of a key store, the same for all its sockets: a message may come over one and again over the next. */
export function inboundJournal(store: SignalKeyStore): InboundJournal {
  const known = journals.get(store);
  if (known) return known;
  const journal = createInboundJournal(store);
  journals.set(store, journal);
  return journal;
}

/** A part of a message that is on its way through Baileys, recognised by the bytes that it was delivered in. */
interface Delivered {
  messageId: string | undefined;
  row: string;
  origin: Omit<JournaledPart, "plaintext">;
  /** Known already. */
  plaintext?: Uint8Array;
}

function createInboundJournal(store: SignalKeyStore): InboundJournal {
  const delivered = new WeakMap<Uint8Array, Delivered>();
  const dropped = new Set<string>();
  const storedRows = createJournalIndex();
  let arrivals = 0;
  let timer: NodeJS.Timeout | undefined;
  let isHurried = false;

  const forget = () => {
    timer = undefined;
    const rows: Rows = Object.fromEntries(Array.from(dropped, (row) => [row, null]));
    dropped.clear();
    // A store that has ended refuses; the rows expire.
    Promise.resolve(inbound(store).set({ inbound: rows })).catch(() => undefined);
    storedRows.deleted(Object.keys(rows));
  };
  const forgetSoon = () => {
    if (dropped.size === 0) return;
    if (isHurried) forget();
    else timer ??= setTimeout(forget, deleteAfterMs).unref();
  };
  const underWay = createJournalRetention((rows) => {
    for (const row of rows) dropped.add(row);
    forgetSoon();
  });
  const once = async (
    keys: SignalKeyStoreWithTransaction,
    ciphertext: Uint8Array,
    decrypt: () => Promise<Uint8Array>,
  ) => {
    const part = delivered.get(ciphertext) ?? unannounced(ciphertext);
    if (part.messageId) underWay.stored(part.messageId, part.row);
    if (part.plaintext) return part.plaintext;
    const outcome = await keys.transaction(
      () => decryptOrRead(inbound(keys), storedRows, part, decrypt),
      "inbound",
    );
    if ("error" in outcome) throw outcome.error;
    return outcome.plaintext;
  };

  return {
    ...underWay,
    connecting() {
      isHurried = false;
      underWay.connecting();
    },
    arrived({ attrs, content }) {
      const arrival = ++arrivals;
      if (attrs.id) underWay.arrived(attrs.id);
      for (const [part, { attrs: enc, content: bytes }] of (Array.isArray(content)
        ? content
        : []
      ).entries()) {
        if (!(bytes instanceof Uint8Array) || delivered.has(bytes)) continue;
        const origin = { stanza: { ...attrs }, enc: { ...enc }, arrival, part };
        delivered.set(bytes, { messageId: attrs.id, row: rowOf(attrs, bytes), origin });
      }
    },
    decryptingOnce: (keys, repository) => ({
      ...repository,
      decryptMessage: (options) => once(keys, options.ciphertext, () => repository.decryptMessage(options)),
      decryptGroupMessage: (options) =>
        once(keys, options.msg, () => repository.decryptGroupMessage(options)),
    }),
    found: (rows) => storedRows.found(rows),
    recovered(messageId, rows) {
      for (const row of rows) underWay.stored(messageId, row);
    },
    stanzaOf(parts) {
      const attrs = { ...parts[0]?.[1].stanza };
      const content = parts.map(([row, { plaintext, enc, ...origin }]) => {
        const bytes = Buffer.from(plaintext);
        delivered.set(bytes, { messageId: attrs.id, row, origin: { ...origin, enc }, plaintext });
        return { tag: "enc", attrs: enc, content: bytes };
      });
      return { tag: "message", attrs, content };
    },
    published(messages) {
      for (const { key } of messages) if (key.id) underWay.published(key.id);
    },
    hurry() {
      isHurried = true;
      clearTimeout(timer);
      forgetSoon();
    },
  };
}

/** Only the same message of the same sender is the same: nobody can pass another's message off as their own. */
function rowOf({ from, participant = "", id }: BinaryNode["attrs"], ciphertext: Uint8Array): string {
  const origin = JSON.stringify([from, participant, id]);
  return createHash("sha256").update(origin).update(ciphertext).digest("base64url");
}

/** Nobody told of it: it is kept for when it is delivered again, and cannot be handed over later. */
function unannounced(ciphertext: Uint8Array): Delivered {
  const origin = { stanza: {}, enc: {}, arrival: 0, part: 0 };
  return { messageId: undefined, row: rowOf({}, ciphertext), origin };
}

/**
 * Inside a transaction, for which the channel's other messages wait: only a row that may be there is read. One that a
 * former owner's last write brought later than that was known is found when the key turns out to be used.
 * A failure is returned, not thrown: what Baileys kept before it, a new identity, stays kept.
 */
async function decryptOrRead(
  keys: InboundKeys,
  storedRows: JournalIndex,
  { row, origin }: Delivered,
  decrypt: () => Promise<Uint8Array>,
): Promise<{ plaintext: Uint8Array } | { error: unknown }> {
  const read = async () => (await keys.get("inbound", [row]))[row];
  const mayBeStored = storedRows.mayHave(row);
  const known = mayBeStored ? await read() : undefined;
  if (known) return known;
  try {
    const plaintext = await decrypt();
    storedRows.writing(row);
    await keys.set({ inbound: { [row]: { plaintext, ...origin } } });
    return { plaintext };
  } catch (error) {
    return (mayBeStored ? undefined : await read()) ?? { error };
  }
}

function inbound(keys: SignalKeyStore): InboundKeys {
  return keys as unknown as InboundKeys;
}
