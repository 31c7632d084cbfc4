import { addAbortListener } from "node:events";

/**
 * Runs `work`, but rejects with the signal's reason as soon as the signal aborts; does not start once it has. Work that is
 * abandoned runs on, and its result is dropped.
 */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([work(), promise]);
}
