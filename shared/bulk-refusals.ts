import { MongoBulkWriteError, type WriteError } from "mongodb";

/**
 * The operations of an unordered bulk that the server refused, by index: they affect no other. Throws the error of a bulk that
 * failed as a whole, or whose write concern did.
 */
export function bulkRefusals(error: unknown): Map<number, WriteError> {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) throw error;
  const refused = [error.writeErrors].flat();
  if (refused.length === 0) throw error;
  return new Map(refused.map((one) => [one.index, one]));
}
