import { addAbortListener } from "node:events";

/**
 * Runs the work; rejects with the signal's reason as soon as it aborts, and does not begin once it has. Work that is left
 * behind like that runs on, and what becomes of it is dropped.
 */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([work(), promise]);
}
