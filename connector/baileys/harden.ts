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

/** A key transaction of one socket. Work that outlives it still carries it, closed. */
interface Transaction {
  owner: SignalKeyStore;
  open: boolean;
  /** It was given up: nothing that it still does may be kept. */
  isCut: boolean;
}

const current = new AsyncLocalStorage<Transaction>();
/** The early writes of one encryption. */
const encrypting = new AsyncLocalStorage<Promise<void>[]>();

/** What has not ended this long after its socket waits for what will not come, and the next socket with it. */
const cutAfterMs = 2_000;

/**
 * The `makeSignalRepository` option of a socket. `store` is the same key store that the socket gets as `auth.keys`; its
 * `set` resolves when the rows are durable. `gone` aborts when the socket has ended. With it,
 * - transactions of the channel exclude each other (else 10–57 % of concurrent sends reused a ratchet counter, measured),
 *   also those of a former socket that have not ended yet (else a ratchet goes back, and what comes cannot be read),
 * - work that outlives its transaction writes to the store instead of nowhere,
 * - the ratchet is durable before the stanza it encrypted can leave,
 * - a message that is delivered again is read again, from the journal.
 */
export function hardenedSignalRepository(
  store: SignalKeyStore,
  journal: Pick<InboundJournal, "decryptingOnce"> = inboundJournal(store),
  gone: AbortSignal = new AbortController().signal,
): MakeSignalRepository {
  return (auth, logger, lookUpLids) => {
    if (!("transaction" in auth.keys)) throw new Error("Baileys gave a key store without transactions.");
    harden(auth.keys, store, cutAfter(gone));
    return journal.decryptingOnce(
      auth.keys,
      markEncryption(makeLibSignalRepository(auth, logger, lookUpLids)),
    );
  };
}

function cutAfter(gone: AbortSignal): AbortSignal {
  const cut = new AbortController();
  gone.addEventListener("abort", () => setTimeout(() => cut.abort(wasCut()), cutAfterMs).unref(), {
    once: true,
  });
  return cut.signal;
}

function wasCut(): SocketGoneError {
  return new SocketGoneError("The transaction was cut");
}

/** Changes `keys`, Baileys' transactional wrapper around `store`, in place: the socket keeps using the same object. */
function harden(keys: SignalKeyStoreWithTransaction, store: SignalKeyStore, cut: AbortSignal): void {
  const outside = AsyncLocalStorage.snapshot();
  const turn = keyStoreMutex(store);
  const { transaction, set, get, isInTransaction } = keys;
  let transactions = 0;
  /** Whether the caller is what is left of a transaction that has ended. Throws if it was cut. */
  const isStale = () => {
    const held = current.getStore();
    if (held?.owner !== keys) return false;
    if (held.isCut) throw wasCut();
    return !held.open;
  };
  const setAndKeep = async (data: SignalDataSet) => {
    await set(data);
    if (isInTransaction()) encrypting.getStore()?.push(keep(store, ratchets(data)));
  };
  keys.transaction = async (work) => {
    if (isStale()) return await outside(() => keys.transaction(work, ""));
    if (isInTransaction()) return await work();
    const held: Transaction = { owner: keys, open: true, isCut: false };
    // The turn excludes the others; one that was cut must not keep those after it out by Baileys' own mutex. Its name
    // must not be that of a key type, whose reads take a mutex of that name.
    const name = `waypost-${transactions++}`;
    const run = () => transaction(() => current.run(held, () => whileOpen(held, work)), name);
    return await turn(() => unlessCut(held, run, cut));
  };
  keys.set = async (data) => (isStale() ? await outside(() => set(data)) : await setAndKeep(data));
  keys.get = async (type, ids) => (isStale() ? await outside(() => get(type, ids)) : await get(type, ids));
}

/** After the cut nothing waits any more, since the socket refuses at once. */
async function unlessCut<T>(held: Transaction, run: () => Promise<T>, cut: AbortSignal): Promise<T> {
  if (cut.aborted) return await run();
  const markCut = () => {
    held.isCut = true;
  };
  cut.addEventListener("abort", markCut, { once: true });
  try {
    return await untilAborted(cut, run);
  } finally {
    cut.removeEventListener("abort", markCut);
  }
}

async function whileOpen<T>(held: Transaction, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    if (held.isCut) throw wasCut();
    return result;
  } finally {
    held.open = false;
  }
}

/** Only what encrypts must be durable early; a decryption is, when its transaction commits, before its receipt. */
function markEncryption(repository: SignalRepository): SignalRepository {
  return {
    ...repository,
    encryptMessage: (options) => whenKept(() => repository.encryptMessage(options)),
    encryptGroupMessage: (options) => whenKept(() => repository.encryptGroupMessage(options)),
  };
}

/** Not awaited where the ratchet is set: that is inside libsignal's queue, which all channels share. */
async function whenKept<T>(encrypt: () => Promise<T>): Promise<T> {
  const writes: Promise<void>[] = [];
  const encrypted = await encrypting.run(writes, encrypt);
  await Promise.all(writes);
  return encrypted;
}

function keep(store: SignalKeyStore, data: SignalDataSet): Promise<void> {
  const kept = Promise.resolve(store.set(data));
  // If the encryption itself fails, nobody waits for this one.
  kept.catch(() => undefined);
  return kept;
}

function ratchets(data: SignalDataSet): SignalDataSet {
  return {
    ...(data.session ? { session: data.session } : {}),
    ...(data["sender-key"] ? { "sender-key": data["sender-key"] } : {}),
  };
}
