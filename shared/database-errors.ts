/** Bounds the wait for the database, and distinguishes an unavailable database from a bug. */

import {
  MongoAPIError,
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoServerError,
} from "mongodb";
import { ServiceError } from "./errors.ts";

/**
 * Resolves with the operation's result. Throws `database_unavailable` if the database cannot be reached, cannot take the
 * write, or does not respond within `msMax`. The driver (7.9) has no such limit: its `timeoutMS` has no effect.
 */
export async function databaseAnswer<T>(operation: Promise<T>, msMax: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new ServiceError("database_unavailable", "The database did not respond in time")),
    msMax,
  );
  try {
    return await Promise.race([operation, late.promise]);
  } catch (error) {
    throw isUnavailable(error)
      ? new ServiceError("database_unavailable", undefined, { cause: error })
      : error;
  } finally {
    clearTimeout(timer);
  }
}

/** MongoDB's code for a write refused by a unique index. */
export const duplicateKeyCode = 11000;

/** Whether a write failed because a document with its unique key already exists. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKeyCode;
}

/** Codes of a server that starts, stops, elects a primary, cannot reach a majority, or refuses our credentials. */
const unavailableCodes = new Set([
  6, 7, 13, 18, 50, 64, 89, 91, 100, 133, 189, 239, 246, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * Whether an error means that the database cannot be reached or cannot take the write. Any other refusal by the server,
 * or misuse of the driver, is a bug of ours.
 */
export function isUnavailable(thrown: unknown): boolean {
  const error = withoutBulk(thrown);
  if (error instanceof MongoServerError) return unavailableCodes.has(Number(error.code));
  if (error instanceof MongoInvalidArgumentError) return false;
  if (error instanceof MongoAPIError) return /closed|connected/i.test(error.message);
  return error instanceof MongoError || isBrokenPipe(error);
}

/** The error that a bulk met on its way to the server, which the driver wraps into one of a server; any other as it is. */
export function withoutBulk(error: unknown): unknown {
  const inner: unknown = error instanceof MongoBulkWriteError ? error.errorResponse : undefined;
  return inner instanceof Error ? inner : error;
}

/** The driver passes on Node's own error for a write to a connection that has just closed. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && brokenPipeCodes.has(String(error.code));
}

const brokenPipeCodes = new Set(["EPIPE", "ECONNRESET", "ETIMEDOUT", "ERR_STREAM_DESTROYED"]);
