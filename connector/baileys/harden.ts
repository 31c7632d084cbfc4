import { AsyncLocalStorage } from "node:async_hooks";
import { untilAborted } from "../concurrency/until-aborted.ts";
import {
  makeLibSignalRepository,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "./baileys.ts";
import { type InboundJournal, inboundJournal } from "./inbound-journal.ts";
import { keyStoreMutex } from "./key-store-mutex.ts";
import { SocketGoneError } from "./socket-gone-error.ts";

type MakeSignalRepository = SocketConfig["makeSignalRepository"];
type SignalRepository = ReturnType<MakeSignalRepository>;

/** A key transaction of one socket. Work that outlives it still carries it, closed, in its async context. */
interface Transaction {
  owner: SignalKeyStore;
  open: boolean;
  /** Its socket is gone: nothing that it still does may be stored. */
  isAborted: boolean;
}

const current = new AsyncLocalStorage<Transaction>();
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
 * - work that outlives its transaction writes to the store instead of losing the write,
 * - a ratchet is durable before the stanza it encrypted can leave,
 * - a redelivered message is read again, from the journal.
 */
export function hardenedSignalRepository(
  store: SignalKeyStore,
  journal: Pick<InboundJournal, "decryptingOnce"> = inboundJournal(store),
  gone: AbortSignal = new AbortController().signal,
): MakeSignalRepository {
  return (auth, logger, lookUpLids) => {
    if (!("transaction" in auth.keys)) throw new Error("Baileys passed a key store without transactions.");
    harden(auth.keys, store, abortAfter(gone));
    return journal.decryptingOnce(
      auth.keys,
      markEncryption(makeLibSignalRepository(auth, logger, lookUpLids)),
    );
  };
}

function abortAfter(gone: AbortSignal): AbortSignal {
  const aborter = new AbortController();
  const abort = () => aborter.abort(transactionAborted());
  gone.addEventListener("abort", () => setTimeout(abort, abortAfterMs).unref(), { once: true });
  return aborter.signal;
}

function transactionAborted(): SocketGoneError {
  return new SocketGoneError("The transaction was aborted");
}

/** Patches `keys`, Baileys' transactional wrapper around `store`, in place: the socket keeps using the same object. */
function harden(keys: SignalKeyStoreWithTransaction, store: SignalKeyStore, aborted: AbortSignal): void {
  const outside = AsyncLocalStorage.snapshot();
  const exclusively = keyStoreMutex(store);
  const { transaction, set, get, isInTransaction } = keys;
  let transactions = 0;
  /** Whether the caller has outlived its transaction. Throws if that was aborted. */
  const isStale = () => {
    const held = current.getStore();
    if (held?.owner !== keys) return false;
    if (held.isAborted) throw transactionAborted();
    return !held.open;
  };
  const setAndStoreEarly = async (data: SignalDataSet) => {
    await set(data);
    if (isInTransaction()) encrypting.getStore()?.push(storeEarly(store, ratchets(data)));
  };
  keys.transaction = async (work) => {
    if (isStale()) return await outside(() => keys.transaction(work, ""));
    if (isInTransaction()) return await work();
    const held: Transaction = { owner: keys, open: true, isAborted: false };
    // Our mutex excludes other transactions. A unique name keeps an aborted one from blocking later ones in Baileys'
    // own mutex. It must not be the name of a key type: reads of a type take the mutex of that name.
    const name = `waypost-${transactions++}`;
    const run = () => transaction(() => current.run(held, () => whileOpen(held, work)), name);
    return await exclusively(() => unlessAborted(held, run, aborted));
  };
  keys.set = async (data) => (isStale() ? await outside(() => set(data)) : await setAndStoreEarly(data));
  keys.get = async (type, ids) => (isStale() ? await outside(() => get(type, ids)) : await get(type, ids));
}

/** A transaction that starts after the abort runs to its end: the dead socket rejects at once, so nothing waits. */
async function unlessAborted<T>(held: Transaction, run: () => Promise<T>, aborted: AbortSignal): Promise<T> {
  if (aborted.aborted) return await run();
  const markAborted = () => {
    held.isAborted = true;
  };
  aborted.addEventListener("abort", markAborted, { once: true });
  try {
    return await untilAborted(aborted, run);
  } finally {
    aborted.removeEventListener("abort", markAborted);
  }
}

async function whileOpen<T>(held: Transaction, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    if (held.isAborted) throw transactionAborted();
    return result;
  } finally {
    held.open = false;
  }
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
