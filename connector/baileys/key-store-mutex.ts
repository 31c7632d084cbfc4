import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { SignalKeyStore } from "./baileys.ts";

/** Runs a task when those before it have settled. */
export type Mutex = <T>(task: () => Promise<T>) => Promise<T>;

const mutexes = new WeakMap<SignalKeyStore, Mutex>();

/**
 * The turns of one key store, the same for every socket on it: a socket that ended may be in the middle of a
 * transaction while the next one begins, and of two that read one ratchet the later write undoes the other.
 */
export function keyStoreMutex(store: SignalKeyStore): Mutex {
  const known = mutexes.get(store);
  if (known) return known;
  const inTurn = createKeyedQueue();
  const turn: Mutex = (task) => inTurn("", task);
  mutexes.set(store, turn);
  return turn;
}
