import { addAbortListener } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  MongoError,
  MongoErrorLabel,
  MongoNetworkError,
  MongoOperationTimeoutError,
  MongoServerSelectionError,
} from "mongodb";

/** How long the store tries before a channel is given up; a MongoDB election typically takes less. */
const patienceMs = 10_000;
const attemptMs = 5_000;
const pauseMsMin = 50;
const pauseMsMax = 1_000;

/**
 * Runs an idempotent operation, again while it fails for a passing reason, for at most 10 s in all. The operation must
 * keep to the `timeoutMS` it is given. Rejects with its last error, or at once with the signal's reason.
 */
export async function withPatience<T>(
  signal: AbortSignal,
  operation: (timeoutMS: number) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    const leftMs = deadline - performance.now();
    try {
      return await unlessAborted(signal, () => operation(Math.ceil(Math.min(attemptMs, leftMs))));
    } catch (error) {
      if (!isTransient(error) || leftMs <= pauseMs + pauseMsMin) throw error;
    }
    await unlessAborted(signal, () => sleep(pauseMs));
  }
}

async function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([work(), promise]);
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoOperationTimeoutError ||
    error.hasErrorLabel(MongoErrorLabel.RetryableWriteError) ||
    error.hasErrorLabel(MongoErrorLabel.TransientTransactionError)
  );
}
