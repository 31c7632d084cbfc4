import { MongoServerError } from "mongodb";
import { duplicateKeyCode } from "#shared/database-answer.ts";

/** Whether a write failed because there is a document under its unique key already. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKeyCode;
}
