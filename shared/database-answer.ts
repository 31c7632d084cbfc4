import { MongoAPIError, MongoError, MongoInvalidArgumentError, MongoServerError } from "mongodb";
import { ServiceError } from "./errors.ts";

/**
 * The operation's result. Throws `database_unavailable` when the database cannot be reached, cannot take the write, or
 * says nothing for `msMax`. The driver (7.9) has no time limit of its own for that: its `timeoutMS` has no effect.
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

/** MongoDB's code of a write that a unique index refused. */
export const duplicateKeyCode = 11000;

/** What a server says while it starts, stops, elects, cannot reach a majority, or refuses our credentials. */
const unavailableCodes = new Set([
  6, 7, 13, 18, 50, 64, 89, 91, 100, 133, 189, 239, 246, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * Whether an error says that the database cannot be reached, or cannot take the write. A server's refusal of what we ask,
 * or a wrong use of the driver, is a bug of ours and stays one.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof MongoServerError) return unavailableCodes.has(Number(error.code));
  if (error instanceof MongoInvalidArgumentError) return false;
  if (error instanceof MongoAPIError) return /closed|connected/i.test(error.message);
  return error instanceof MongoError || isBrokenPipe(error);
}

/** A write to a connection that has just been closed comes out of the driver as Node made it. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && brokenPipeCodes.has(String(error.code));
}

const brokenPipeCodes = new Set(["EPIPE", "ECONNRESET", "ETIMEDOUT", "ERR_STREAM_DESTROYED"]);
