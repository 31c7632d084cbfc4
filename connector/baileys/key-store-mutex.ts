import { createKeyedQueue } from "../concurrency/keyed-queue.ts";
import type { SignalKeyStore } from "./baileys.ts";

/** Runs a task when all earlier ones have settled. */
export type Mutex = <T>(task: () => Promise<T>) => Promise<T>;

const mutexes = new WeakMap<SignalKeyStore, Mutex>();

/**
 * The mutex of a key store, shared by all its sockets: a socket that has ended may still be in a transaction when the
 * next one begins, and of two that read the same ratchet the later write undoes the earlier.
 */
export function keyStoreMutex(store: SignalKeyStore): Mutex {
  const known = mutexes.get(store);
  if (known) return known;
  const queue = createKeyedQueue();
  const mutex: Mutex = (task) => queue("", task);
  mutexes.set(store, mutex);
  return mutex;
}
