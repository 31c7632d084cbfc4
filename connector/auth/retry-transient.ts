import { MongoError, MongoErrorLabel, MongoNetworkError, MongoServerSelectionError } from "mongodb";
import { withoutBulk } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";
import { sleep } from "#shared/sleep.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

/** How long an operation is retried before its channel's session ends; a MongoDB election typically takes less. */
const retryMs = 10_000;
const pauseMsMin = 50;
const pauseMsMax = 1_000;

/**
 * Runs an idempotent operation and retries transient failures, for at most 10 s in all (the driver has no time limit of
 * its own: the `timeoutMS` of 7.9 has no effect). An attempt starts only after the previous one has ended: of two in
 * flight the older could land last. Rejects with the operation's error, `database_unavailable` after 10 s, or at once
 * with the signal's reason. An operation abandoned this way may still land, so its owner must not write again.
 */
export async function retryTransient<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new ServiceError("database_unavailable")), retryMs);
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    return await untilAborted(either, () => retryUntilDone(either, operation));
  } finally {
    clearTimeout(timer);
  }
}

async function retryUntilDone<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
    await sleep(pauseMs, signal);
  }
}

/**
 * Codes of a server during an election, a shutdown, a lost connection or a killed session; see the driver's retryable
 * writes.
 */
const transientCodes: readonly unknown[] = [
  6, 7, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436,
];

function isTransient(thrown: unknown): boolean {
  const error = withoutBulk(thrown);
  if (!(error instanceof MongoError)) return false;
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error.hasErrorLabel(MongoErrorLabel.RetryableWriteError) ||
    error.hasErrorLabel(MongoErrorLabel.TransientTransactionError) ||
    transientCodes.includes(error.code)
  );
}
