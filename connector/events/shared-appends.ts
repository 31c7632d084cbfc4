import { type AnyBulkWriteOperation, type Collection, MongoBulkWriteError } from "mongodb";
import { type EventDocument, eventInsertMsMax } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { duplicateKeyCode } from "#shared/database-errors.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";
import { type Fence, FencedError, type FenceFields, fenceOperation } from "../ownership/fence.ts";

/** Numbered events of one channel, and what its fence row says of them. */
export interface Append {
  fence: Fence;
  numbers: FenceFields;
  rows: readonly EventDocument[];
  bytes: number;
}

/** The driver would cut a larger bulk into commands, of which the fences guard the first only. */
export const appendBytesMax = 8 * 1024 * 1024;

/**
 * Appends to the logs of all channels of a process. What waits at the same moment is one ordered command, in which the fence of a
 * channel precedes its events. A refused fence or event affects its own channel only: it stops the command there, and the channels
 * behind it come in another. Rejects with `FencedError`, or with the database's error: some of the events may then be in the log.
 */
export const sharedAppends = oncePer((events: Collection<EventDocument>) =>
  createSharedCall<Append, void>({
    async call(appends) {
      const failures = new Map<Append, Error>();
      for (let rest = [...appends]; rest.length > 0; ) {
        const batch = rest.splice(0, batchLength(rest));
        const unwritten = await appendTogether(events, batch, failures);
        rest = [...unwritten, ...rest];
      }
      return appends.map((one) => failures.get(one));
    },
  }),
);

/** How many of these, at least one, fit into one command. */
function batchLength(appends: readonly Append[]): number {
  let bytes = 0;
  const tooLong = appends.findIndex((one, index) => {
    bytes += one.bytes;
    return index > 0 && bytes > appendBytesMax;
  });
  return tooLong < 0 ? appends.length : tooLong;
}

/** Adds those that fail to `failures`, and resolves to those behind the first one that was refused. */
async function appendTogether(
  events: Collection<EventDocument>,
  batch: readonly Append[],
  failures: Map<Append, Error>,
): Promise<Append[]> {
  const owners: Append[] = [];
  const operations: AnyBulkWriteOperation<EventDocument>[] = [];
  for (const one of batch) {
    try {
      // Checked here, because an earlier command may have taken long.
      operations.push(fenceOperation(one.fence, one.numbers), ...one.rows.map(insertion));
      owners.push(one, ...one.rows.map(() => one));
    } catch (error) {
      failures.set(one, asError(error));
    }
  }
  if (operations.length === 0) return [];
  try {
    // Readers rely on the limit to order rows across channels; see `eventInsertMsMax`.
    await events.bulkWrite(operations, { ordered: true, ...durable, maxTimeMS: eventInsertMsMax });
    return [];
  } catch (error) {
    const index = refusedIndex(error);
    const refused = index === undefined ? undefined : owners[index];
    if (!refused) {
      for (const one of owners) failures.set(one, asError(error));
      return [];
    }
    const isFence = index === owners.indexOf(refused);
    failures.set(refused, isFence ? fenceFailure(error, refused.fence) : asError(error));
    return batch.slice(batch.indexOf(refused) + 1).filter((one) => !failures.has(one));
  }
}

/** The place of the operation that the server refused; undefined when it is not certain that those before it are durable. */
function refusedIndex(error: unknown): number | undefined {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) return undefined;
  return [error.writeErrors].flat()[0]?.index;
}

/** A duplicate key is the fence of a newer owner. */
function fenceFailure(error: unknown, fence: Fence): Error {
  const isDuplicate = error instanceof MongoBulkWriteError && error.code === duplicateKeyCode;
  return isDuplicate ? new FencedError(fence, { cause: error }) : asError(error);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("Events were not appended", { cause: thrown });
}

/**
 * Inserts an event by an operation of the same kind as the fence's: the driver cuts a bulk of two kinds into two commands, which
 * are two durable writes. The filter matches no event, so an event that exists is a duplicate key, as it is for an insert.
 */
function insertion(event: EventDocument) {
  const { _id, ...replacement } = event;
  return { replaceOne: { filter: { _id, seq: { $exists: false } }, replacement, upsert: true } };
}
