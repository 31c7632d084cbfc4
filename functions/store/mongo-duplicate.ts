import { MongoServerError } from "mongodb";
import { duplicateKeyCode } from "#shared/database-errors.ts";

/** Whether a write failed because a document with its unique key already exists. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKeyCode;
}
