import {
  type AnyBulkWriteOperation,
  type Collection,
  MongoBulkWriteError,
  type UpdateOneModel,
  type WriteError,
} from "mongodb";
import type { MessageDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { duplicateKeyCode, isUnavailable } from "#shared/database-errors.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall, type SharedCall } from "#shared/shared-call.ts";

/** An update of one row. If it inserts, a row that exists already counts as inserted. */
export type MessageWrite = UpdateOneModel<MessageDocument>;

/** The writer of a collection, which all channels of the process share: what they write at the same moment is one command. */
export const messageWriter = oncePer((messages: Collection<MessageDocument>) =>
  createSharedCall<MessageWrite, void>({ call: (updates) => writeAll(messages, updates) }),
);

/** A writer of its own for updates that waited for one another, so that no record of a send waits for them. */
export function gatheredWriter(messages: Collection<MessageDocument>): SharedCall<MessageWrite, void> {
  return createSharedCall({ areGathered: true, call: (updates) => writeAll(messages, updates) });
}

/** Resolves to the error of each update that failed on its own. Unordered, so that one does not stop the others. */
async function writeAll(
  messages: Collection<MessageDocument>,
  updates: readonly MessageWrite[],
): Promise<(Error | undefined)[]> {
  const operations = updates.map((updateOne): AnyBulkWriteOperation<MessageDocument> => ({ updateOne }));
  const failures = new Map<number, Error>();
  try {
    await messages.bulkWrite(operations, { ordered: false, ...durable });
  } catch (error) {
    const refused = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    // The rows that were not refused are not confirmed either.
    if (error instanceof MongoBulkWriteError && error.result.getWriteConcernError()) throw error;
    if (refused.length === 0) return await unlessUnavailable(messages, updates, error);
    for (const one of refused) if (one.code !== duplicateKeyCode) failures.set(one.index, failure(one));
  }
  return updates.map((_, index) => failures.get(index));
}

/** An update that the driver refuses, such as one that is too large, keeps its command from being sent: it fails alone. */
async function unlessUnavailable(
  messages: Collection<MessageDocument>,
  updates: readonly MessageWrite[],
  error: unknown,
): Promise<(Error | undefined)[]> {
  if (updates.length === 1 || isUnavailable(error)) throw error;
  const writing = updates.map((one) => writeAll(messages, [one]));
  const settled = await Promise.allSettled(writing);
  return settled.map((one) => (one.status === "fulfilled" ? one.value[0] : asError(one.reason)));
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error("A row of a message was not written", { cause: thrown });
}

function failure({ code }: WriteError): Error {
  return new Error(`A row of a message was refused with code ${code}`);
}
