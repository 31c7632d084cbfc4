import { type ErrorDetails, ServiceError } from "#shared/errors.ts";

const message = "The database did not confirm in time: the request may have been accepted";

interface UnconfirmedWrite {
  /** The ids by which the caller can find out later whether it was written. */
  ids: ErrorDetails;
  /** Whether the call can be repeated without harm even if it was written. */
  retryable: boolean;
}

/**
 * Waits for a write. A connection failure does not prove that the write was not accepted, so a `database_unavailable`
 * gets the ids to look for and the given `retryable`.
 */
export async function confirmWrite<T>(write: Promise<T>, { ids, retryable }: UnconfirmedWrite): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "database_unavailable")) throw error;
    throw new ServiceError(error.code, message, { details: ids, retryable, cause: error });
  }
}
