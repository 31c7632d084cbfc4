import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type {
  BinaryNode,
  SignalKeyStore,
  SignalKeyStoreWithTransaction,
  SocketConfig,
  WAMessage,
} from "./baileys.ts";

type SignalRepository = ReturnType<SocketConfig["makeSignalRepository"]>;
type Rows = Record<string, Uint8Array | null>;

/** The journal's own rows, of a type that Baileys does not know and passes on like any other. */
interface InboundKeys {
  get(type: "inbound", ids: string[]): Promise<Record<string, Uint8Array | undefined>>;
  set(data: { inbound: Rows }): void | Promise<void>;
}

/** What a message was decrypted to, until it is in the event log. */
export interface InboundJournal {
  /** To be told of each message before Baileys handles it. */
  arrived(stanza: BinaryNode): void;
  /**
   * Decrypts each message once: the plaintext is stored in the same write as the ratchet, so that a message which
   * WhatsApp delivers again, since its receipt was lost, is read again and not refused as a key used already.
   */
  decryptingOnce(keys: SignalKeyStoreWithTransaction, repository: SignalRepository): SignalRepository;
  /** These are in the event log: their rows are deleted within half a second. */
  published(messages: readonly Pick<WAMessage, "key">[]): void;
  /** The socket has ended: from now on rows are deleted at once. */
  hurry(): void;
}

const deleteAfterMs = 500;
/** Messages on their way from decryption to the log. A row that is forgotten here expires by itself. */
const underWayMax = 1_000;

type Outcome = { plaintext: Uint8Array } | { error: unknown };

/**
 * One per socket; `store` is the socket's key store. What stays of a message whose receipt went out in a process that
 * died before its event was written is a row that expires: nothing is published from there.
 */
export function createInboundJournal(store: SignalKeyStore): InboundJournal {
  const origins = new WeakMap<object, string>();
  const underWay = new LRUCache<string, readonly string[]>({ max: underWayMax });
  const messageIds = new WeakMap<object, string>();
  const published = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isHurried = false;

  const forget = () => {
    timer = undefined;
    const rows: Rows = Object.fromEntries(Array.from(published, (row) => [row, null]));
    published.clear();
    // A store that has ended refuses; the rows expire.
    Promise.resolve(inbound(store).set({ inbound: rows })).catch(() => undefined);
  };
  const forgetSoon = () => {
    if (published.size === 0) return;
    if (isHurried) forget();
    else timer ??= setTimeout(forget, deleteAfterMs).unref();
  };
  const rowOf = (ciphertext: Uint8Array) => {
    const row = createHash("sha256")
      .update(origins.get(ciphertext) ?? "")
      .update(ciphertext)
      .digest("base64url");
    const messageId = messageIds.get(ciphertext);
    if (messageId !== undefined) underWay.set(messageId, [...(underWay.get(messageId) ?? []), row]);
    return row;
  };
  const once = async (
    keys: SignalKeyStoreWithTransaction,
    ciphertext: Uint8Array,
    decrypt: () => Promise<Uint8Array>,
  ) => {
    const row = rowOf(ciphertext);
    const outcome = await keys.transaction(() => decryptOrRead(inbound(keys), row, decrypt), "inbound");
    if ("error" in outcome) throw outcome.error;
    return outcome.plaintext;
  };

  return {
    arrived({ attrs, content }) {
      // Only the same message of the same sender is the same: nobody can pass another's message off as their own.
      const origin = JSON.stringify([attrs.from, attrs.participant ?? "", attrs.id]);
      for (const part of Array.isArray(content) ? content : []) {
        if (!(part.content instanceof Uint8Array)) continue;
        origins.set(part.content, origin);
        if (attrs.id) messageIds.set(part.content, attrs.id);
      }
    },
    decryptingOnce: (keys, repository) => ({
      ...repository,
      decryptMessage: (options) => once(keys, options.ciphertext, () => repository.decryptMessage(options)),
      decryptGroupMessage: (options) =>
        once(keys, options.msg, () => repository.decryptGroupMessage(options)),
    }),
    published(messages) {
      for (const { key } of messages) {
        for (const row of underWay.get(key.id ?? "") ?? []) published.add(row);
        underWay.delete(key.id ?? "");
      }
      forgetSoon();
    },
    hurry() {
      isHurried = true;
      clearTimeout(timer);
      forgetSoon();
    },
  };
}

/** Inside a transaction. A failure is returned, not thrown: what Baileys kept before it, a new identity, stays kept. */
async function decryptOrRead(
  keys: InboundKeys,
  row: string,
  decrypt: () => Promise<Uint8Array>,
): Promise<Outcome> {
  const { [row]: known } = await keys.get("inbound", [row]);
  if (known) return { plaintext: known };
  try {
    const plaintext = await decrypt();
    await keys.set({ inbound: { [row]: plaintext } });
    return { plaintext };
  } catch (error) {
    // The socket before this one may have been at it still.
    const { [row]: since } = await keys.get("inbound", [row]);
    return since ? { plaintext: since } : { error };
  }
}

function inbound(keys: SignalKeyStore): InboundKeys {
  return keys as unknown as InboundKeys;
}
