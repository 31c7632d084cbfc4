import type { SignalDataSet, SignalKeyStore } from "./baileys.ts";

/**
 * A view of a key store whose `set` resolves as soon as the write is queued, not when it is durable, so that a channel
 * encrypts and decrypts ahead of its writes. Safe only on a socket whose frames wait for the queued writes.
 */
export function earlyKeys(store: SignalKeyStore): SignalKeyStore {
  return {
    get: (type, ids) => store.get(type, ids),
    set: (data) => queueWrite(store, data),
  };
}

/** Queues a write. Rejects only if it cannot be queued: the store reports one that fails later. */
export async function queueWrite(store: SignalKeyStore, data: SignalDataSet): Promise<void> {
  const stored = Promise.resolve(store.set(data));
  stored.catch(() => undefined);
  // A refused write has rejected by now, and then wins.
  await Promise.race([stored, Promise.resolve()]);
}
