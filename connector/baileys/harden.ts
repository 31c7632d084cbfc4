import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AuthenticationCreds,
  makeLibSignalRepository,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "./baileys.ts";
import { type InboundJournal, inboundJournal } from "./inbound-journal.ts";
import { makeExclusive, transactionAborted } from "./key-transactions.ts";
import { boundedLookups, lookUpAloneInsideLock } from "./lid-lookups.ts";

type MakeSignalRepository = SocketConfig["makeSignalRepository"];
type SignalRepository = ReturnType<MakeSignalRepository>;

/** The early writes of one encryption. */
const encrypting = new AsyncLocalStorage<Promise<void>[]>();

/** When a dead socket's transaction is aborted: it awaits an answer that cannot arrive, and blocks the next socket. */
const abortAfterMs = 2_000;

/**
 * Returns the `makeSignalRepository` option of a socket. `store` is the key store that the socket gets as `auth.keys`;
 * its `set` resolves when the rows are durable. `gone` aborts when the socket has ended. With this repository,
 * - transactions of the channel exclude each other (otherwise 10–57 % of concurrent sends reused a ratchet counter,
 *   measured), even those of a former socket that are still open (otherwise a ratchet moves back and later messages
 *   cannot be decrypted),
 * - none of them waits for the network: one that asks WhatsApp ends there, and its work goes on without it,
 * - work that outlives its transaction writes to the store instead of losing the write,
 * - a ratchet is durable before the stanza it encrypted can leave, and so is a new pre-key before it is offered,
 * - a redelivered message is read again, from the journal.
 */
export function hardenedSignalRepository(
  store: SignalKeyStore,
  journal: Pick<InboundJournal, "decryptingOnce"> = inboundJournal(store),
  gone: AbortSignal = new AbortController().signal,
): MakeSignalRepository {
  return (auth, logger, lookUpLids) => {
    if (!("transaction" in auth.keys)) throw new Error("Baileys passed a key store without transactions.");
    // Baileys passes the whole credentials, whatever the type says, and changes them in place.
    const ownId = () => (Reflect.get(auth.creds, "me") as { id: string } | undefined)?.id;
    makeExclusive(auth.keys, { store, aborted: abortAfter(gone), ownId });
    storeEarlyIn(auth.keys, store, auth.creds);
    const lookUp = lookUpLids && boundedLookups(lookUpLids);
    const repository = makeLibSignalRepository(auth, logger, lookUp);
    lookUpAloneInsideLock(repository.lidMapping);
    return journal.decryptingOnce(auth.keys, markEncryption(repository));
  };
}

function abortAfter(gone: AbortSignal): AbortSignal {
  const aborter = new AbortController();
  const abort = () => aborter.abort(transactionAborted());
  gone.addEventListener("abort", () => setTimeout(abort, abortAfterMs).unref(), { once: true });
  return aborter.signal;
}

/** Stores the ratchets of an encryption, and new pre-keys, at once instead of at the end of their transaction. */
function storeEarlyIn(keys: SignalKeyStoreWithTransaction, store: SignalKeyStore, creds: object): void {
  const { set, isInTransaction } = keys;
  keys.set = async (data) => {
    await set(data);
    if (!isInTransaction()) return;
    encrypting.getStore()?.push(storeEarly(store, ratchets(data)));
    await storePreKeys(store, creds, data);
  };
}

/** Only encryptions must be durable early; a decryption is durable when its transaction commits, before its receipt. */
function markEncryption(repository: SignalRepository): SignalRepository {
  return {
    ...repository,
    encryptMessage: (options) => onceStored(() => repository.encryptMessage(options)),
    encryptGroupMessage: (options) => onceStored(() => repository.encryptGroupMessage(options)),
  };
}

/** Awaits the early writes here, because a ratchet is set inside libsignal's queue, which all channels share. */
async function onceStored<T>(encrypt: () => Promise<T>): Promise<T> {
  const writes: Promise<void>[] = [];
  const encrypted = await encrypting.run(writes, encrypt);
  await Promise.all(writes);
  return encrypted;
}

function storeEarly(store: SignalKeyStore, data: SignalDataSet): Promise<void> {
  const stored = Promise.resolve(store.set(data));
  // Nothing awaits this write if the encryption itself fails.
  stored.catch(() => undefined);
  return stored;
}

function ratchets(data: SignalDataSet): SignalDataSet {
  return {
    ...(data.session ? { session: data.session } : {}),
    ...(data["sender-key"] ? { "sender-key": data["sender-key"] } : {}),
  };
}

/**
 * Stores new pre-keys with the counter that makes the next ones different: Baileys puts one into a request to send a message
 * again, which leaves before the transaction is over.
 */
async function storePreKeys(
  store: SignalKeyStore,
  creds: Partial<Pick<AuthenticationCreds, "nextPreKeyId">>,
  { "pre-key": preKeys }: SignalDataSet,
): Promise<void> {
  const made = Object.entries(preKeys ?? {}).filter(([, key]) => key !== null);
  if (made.length === 0) return;
  const last = Math.max(...made.map(([id]) => Number(id)));
  creds.nextPreKeyId = Math.max(creds.nextPreKeyId ?? 1, last + 1);
  await store.set({ "pre-key": Object.fromEntries(made) });
}
