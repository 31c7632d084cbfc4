import { setTimeout as wait } from "node:timers/promises";
import { MongoError } from "mongodb";
import { ServiceError } from "../../shared/errors.ts";

/** What `work` answers, in `ms`. Throws `database_unavailable` when it takes longer or MongoDB fails. */
export async function databaseAnswer<T>(ms: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = wait(ms, undefined, { signal: done.signal }).then(() => {
    throw new ServiceError("database_unavailable");
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw error instanceof MongoError || isBrokenPipe(error)
      ? new ServiceError("database_unavailable", undefined, { cause: error })
      : error;
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** A write to a connection that has just been closed comes out of the driver as Node made it. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["EPIPE", "ECONNRESET"].includes(String(error.code));
}
