import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import { untilAborted } from "../concurrency/until-aborted.ts";
import type { SignalKeyStore, SignalKeyStoreWithTransaction } from "./baileys.ts";
import { keyStoreMutex } from "./key-store-mutex.ts";
import { SocketGoneError } from "./socket-gone-error.ts";

/** A key transaction of one socket. Work that outlives it still carries it, closed, in its async context. */
interface Transaction {
  owner: SignalKeyStore;
  /** Whether all of it has to happen at once, on what it read. */
  isAtomic: boolean;
  open: boolean;
  /** Its socket is gone: nothing that it still does may be stored. */
  isAborted: boolean;
  /** Resolved when it asks the network: it ends there, and its work goes on without it. */
  left: PromiseWithResolvers<void>;
  /** Settles when its writes are durable or given up. */
  closed: Promise<unknown>;
}

const current = new AsyncLocalStorage<Transaction>();
/** The transaction inside which the current work is atomic. */
const atomic = new AsyncLocalStorage<Transaction>();

/** Publishes when a frame is written inside atomic work, which the whole channel then waits for. Tests subscribe. */
export const networkInsideLock = channel("waypost.network-inside-lock");

/** The open transaction of the current work, if it is in one. */
function openTransaction(): Transaction | undefined {
  const held = current.getStore();
  return held?.open ? held : undefined;
}

/** Whether the current work holds the channel's lock. */
export function holdsLock(): boolean {
  return openTransaction() !== undefined;
}

/** Whether the current work must not wait for the network: it holds the lock, and cannot give it back half-way. */
export function isAtomic(): boolean {
  const held = openTransaction();
  return held !== undefined && (held.isAtomic || atomic.getStore() === held);
}

/**
 * Call it for every frame that is written. Gives the channel's lock back: what the transaction wrote is stored, and the rest
 * of its work, which waits for an answer or is done, takes the lock again for each step that needs it.
 */
export function leaveLock(): void {
  const held = openTransaction();
  if (!held) return;
  if (isAtomic()) {
    networkInsideLock.publish(null);
  } else {
    held.open = false;
    held.left.resolve();
  }
}

export interface ExclusiveOptions {
  store: SignalKeyStore;
  /** Aborts when the socket is gone and the transactions that wait for it must end. */
  aborted: AbortSignal;
  /** The name of the transactions in which Baileys asks the network: our own id. All others are atomic. */
  ownId(): string | undefined;
}

/**
 * Makes the transactions of `keys`, Baileys' wrapper around `store`, exclude those of all sockets of the channel. Patches it
 * in place: the socket keeps using the same object. Work that outlives its transaction reads from and writes to the store,
 * in transactions of its own.
 */
export function makeExclusive(
  keys: SignalKeyStoreWithTransaction,
  { store, aborted, ownId }: ExclusiveOptions,
): void {
  const outside = AsyncLocalStorage.snapshot();
  const exclusively = keyStoreMutex(store);
  const { transaction, set, get, isInTransaction } = keys;
  let transactions = 0;
  /** The transaction that the caller has outlived. Throws if that was aborted. */
  const outlived = () => {
    const held = current.getStore();
    if (held?.owner !== keys) return null;
    if (held.isAborted) throw transactionAborted();
    return held.open ? null : held;
  };
  const after = async <T>({ closed }: Transaction, work: () => T): Promise<Awaited<T>> => {
    await closed.catch(() => undefined);
    return await outside(work);
  };
  const begin = async <T>(work: () => Promise<T>, isAtomic: boolean): Promise<T> => {
    const left = Promise.withResolvers<void>();
    const closed = Promise.resolve();
    const held: Transaction = { owner: keys, isAtomic, open: true, isAborted: false, left, closed };
    const result = Promise.withResolvers<T>();
    result.promise.catch(() => undefined);
    const untilLeft = () => whileOpen(held, work, result);
    // Our mutex excludes other transactions. A unique name keeps an aborted one from blocking later ones in Baileys'
    // own mutex. It must not be the name of a key type: reads of a type take the mutex of that name.
    const name = `waypost-${transactions++}`;
    const run = () => transaction(() => current.run(held, untilLeft), name);
    held.closed = exclusively(() => unlessAborted(held, run, aborted));
    await held.closed;
    return await result.promise;
  };
  keys.transaction = async (work, key) => {
    const former = outlived();
    if (former) return await after(former, () => keys.transaction(work, key));
    const mayAsk = key === ownId();
    if (!isInTransaction()) return await begin(work, !mayAsk);
    const held = openTransaction();
    return await (mayAsk || !held ? work() : atomic.run(held, work));
  };
  keys.set = async (data) => {
    const former = outlived();
    await (former ? after(former, () => set(data)) : set(data));
  };
  keys.get = async (type, ids) => {
    const former = outlived();
    return await (former ? after(former, () => get(type, ids)) : get(type, ids));
  };
}

/** Runs `work`, whose outcome goes to `result`, until it has ended or left the transaction. */
async function whileOpen<T>(
  held: Transaction,
  work: () => Promise<T>,
  result: PromiseWithResolvers<T>,
): Promise<void> {
  try {
    const working = work();
    working.then(result.resolve, result.reject);
    await Promise.race([working, held.left.promise]);
    if (held.isAborted) throw transactionAborted();
  } finally {
    held.open = false;
  }
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

export function transactionAborted(): SocketGoneError {
  return new SocketGoneError("The transaction was aborted");
}
