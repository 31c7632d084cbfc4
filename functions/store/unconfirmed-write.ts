import { type ErrorDetails, ServiceError } from "#shared/errors.ts";

const message = "The database did not confirm in time: this may have been accepted, or not";

interface UnconfirmedWrite {
  /** The ids that tell, later, whether it was written. */
  ids: ErrorDetails;
  /** Whether the same call may be made again without harm if it was written. */
  retryable: boolean;
}

/**
 * Waits for a write. Once it is on its way to the database, no failure of the connection says that it was not taken, so
 * a `database_unavailable` gets the ids to look for, and whether to try again is for the caller to say.
 */
export async function confirmWrite<T>(write: Promise<T>, { ids, retryable }: UnconfirmedWrite): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "database_unavailable")) throw error;
    throw new ServiceError(error.code, message, { details: ids, retryable, cause: error });
  }
}
