import { AsyncLocalStorage } from "node:async_hooks";
import {
  makeLibSignalRepository,
  type SignalDataSet,
  type SignalKeyStore,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "./baileys.ts";
import { createInboundJournal, type InboundJournal } from "./inbound-journal.ts";
import { turnsOf } from "./store-turns.ts";

type MakeSignalRepository = SocketConfig["makeSignalRepository"];
type SignalRepository = ReturnType<MakeSignalRepository>;

/** A key transaction of one socket. Work that outlives it still carries it, closed. */
interface Transaction {
  owner: SignalKeyStore;
  open: boolean;
}

const current = new AsyncLocalStorage<Transaction>();
/** The early writes of one encryption. */
const encrypting = new AsyncLocalStorage<Promise<void>[]>();

/** Must not be the name of a key type: Baileys keeps both in one table of mutexes, and reads take the type's. */
const channelMutex = "__channel__";

/**
 * The `makeSignalRepository` option of a socket. `store` is the same key store that the socket gets as `auth.keys`; its
 * `set` resolves when the rows are durable. With it,
 * - transactions of the channel exclude each other (else 10–57 % of concurrent sends reused a ratchet counter, measured),
 *   also those of a former socket that have not ended yet (else a ratchet goes back, and what comes cannot be read),
 * - work that outlives its transaction writes to the store instead of nowhere,
 * - the ratchet is durable before the stanza it encrypted can leave,
 * - a message that is delivered again is read again, from the journal.
 */
export function hardenedSignalRepository(
  store: SignalKeyStore,
  journal: Pick<InboundJournal, "decryptingOnce"> = createInboundJournal(store),
): MakeSignalRepository {
  return (auth, logger, lookUpLids) => {
    if (!("transaction" in auth.keys)) throw new Error("Baileys gave a key store without transactions.");
    harden(auth.keys, store);
    return journal.decryptingOnce(
      auth.keys,
      markEncryption(makeLibSignalRepository(auth, logger, lookUpLids)),
    );
  };
}

/** Changes `keys`, Baileys' transactional wrapper around `store`, in place: the socket keeps using the same object. */
function harden(keys: SignalKeyStoreWithTransaction, store: SignalKeyStore): void {
  const outside = AsyncLocalStorage.snapshot();
  const turn = turnsOf(store);
  const { transaction, set, get, isInTransaction } = keys;
  const isStale = () => {
    const held = current.getStore();
    return held !== undefined && held.owner === keys && !held.open;
  };
  const setAndKeep = async (data: SignalDataSet) => {
    await set(data);
    if (isInTransaction()) encrypting.getStore()?.push(keep(store, ratchets(data)));
  };
  keys.transaction = (work) => {
    if (isStale()) return outside(() => keys.transaction(work, channelMutex));
    if (isInTransaction()) return work();
    const held: Transaction = { owner: keys, open: true };
    return turn(() => transaction(() => current.run(held, () => whileOpen(held, work)), channelMutex));
  };
  keys.set = (data) => (isStale() ? outside(() => set(data)) : setAndKeep(data));
  keys.get = (type, ids) => (isStale() ? outside(() => get(type, ids)) : get(type, ids));
}

async function whileOpen<T>(held: Transaction, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
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
