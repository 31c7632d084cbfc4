import {
  MongoBulkWriteError,
  MongoError,
  MongoErrorLabel,
  MongoNetworkError,
  MongoServerSelectionError,
} from "mongodb";
import { ServiceError } from "#shared/errors.ts";
import { sleep } from "#shared/sleep.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

/** How long the store tries before a channel is given up; a MongoDB election typically takes less. */
const patienceMs = 10_000;
const pauseMsMin = 50;
const pauseMsMax = 1_000;

/**
 * Runs an idempotent operation, again when it failed for a passing reason, for at most 10 s in all (the driver has no
 * time limit of its own: the `timeoutMS` of 7.9 has no effect). Only what has ended is tried again: of two attempts
 * under way the older could land last. Rejects with the operation's error, `database_unavailable` after 10 s, or at
 * once with the signal's reason; an operation left behind like that may still land, so its owner writes no more.
 */
export async function retryTransient<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const impatience = setTimeout(() => limit.abort(new ServiceError("database_unavailable")), patienceMs);
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    return await untilAborted(either, () => retryUntilDone(either, operation));
  } finally {
    clearTimeout(impatience);
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

/** What a server answers while it is elected, stops, loses its line or ends a session; see the driver's retryable writes. */
const transientCodes: readonly unknown[] = [
  6, 7, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436,
];

function isTransient(thrown: unknown): boolean {
  const error = unwrapped(thrown);
  if (!(error instanceof MongoError)) return false;
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error.hasErrorLabel(MongoErrorLabel.RetryableWriteError) ||
    error.hasErrorLabel(MongoErrorLabel.TransientTransactionError) ||
    transientCodes.includes(error.code)
  );
}

/** A bulk wraps every error into one of its own. */
function unwrapped(error: unknown): unknown {
  const inner = error instanceof MongoBulkWriteError ? error.errorResponse : undefined;
  return inner instanceof MongoError ? inner : error;
}
