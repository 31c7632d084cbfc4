import { type Collection, MongoBulkWriteError } from "mongodb";
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
/** The driver cuts at 1,000 while it does not know what the server takes. */
const operationsMax = 900;
/** An event takes so much beside its data. */
const rowBytes = 1024;

/**
 * Appends to the logs of all channels of a process. Appends that wait at the same moment share one ordered command, in which the
 * fence of a channel precedes its events. A refused fence or event affects its own channel only: it stops the command there, and
 * the channels behind it come in another. Rejects with `FencedError`, or with the database's error: some of the events may then be
 * in the log.
 */
export const sharedAppends = oncePer((events: Collection<EventDocument>) =>
  createSharedCall<Append, void>({
    async call(appends) {
      const outcomes = new Map(appends.map((one) => [one, Promise.withResolvers<void>()]));
      void appendAll(events, appends, (one, error) => {
        if (error) outcomes.get(one)?.reject(error);
        else outcomes.get(one)?.resolve();
      });
      const promises = Array.from(outcomes.values(), ({ promise }) => promise);
      // Those of the first command do not wait for what needs another one.
      await Promise.race(promises.map((one) => one.catch(() => undefined)));
      return promises;
    },
  }),
);

/** Called with each append once it is durable, or with the error that kept it from being. */
type Settle = (append: Append, error?: Error) => void;

/** Sends one command after the other, each as large as the driver sends whole. */
async function appendAll(events: Collection<EventDocument>, appends: readonly Append[], settle: Settle) {
  for (let rest = [...appends]; rest.length > 0; ) {
    const command = rest.splice(0, commandLength(rest));
    rest = [...(await appendTogether(events, command, settle)), ...rest];
  }
}

/** How many of these, at least one, fit into one command. */
function commandLength(appends: readonly Append[]): number {
  let bytes = 0;
  let operations = 0;
  const tooLong = appends.findIndex((one, index) => {
    bytes += one.bytes + one.rows.length * rowBytes;
    operations += 1 + one.rows.length;
    return index > 0 && (bytes > appendBytesMax || operations > operationsMax);
  });
  return tooLong < 0 ? appends.length : tooLong;
}

/** Settles the appends of one command, and resolves to those behind the one that was refused. */
async function appendTogether(
  events: Collection<EventDocument>,
  appends: readonly Append[],
  settle: Settle,
): Promise<Append[]> {
  const held = appends.flatMap((one) => {
    try {
      // Checked here, because an earlier command may have taken long.
      return [{ one, operations: [fenceOperation(one.fence, one.numbers), ...one.rows.map(insertion)] }];
    } catch (error) {
      settle(one, asError(error));
      return [];
    }
  });
  const operations = held.flatMap((append) => append.operations);
  const owners = held.flatMap(({ one, operations: own }) => own.map(() => one));
  const settleAll = (settled: readonly Append[], error?: Error) => {
    for (const one of settled) settle(one, error);
  };
  const all = held.map(({ one }) => one);
  if (operations.length === 0) return [];
  try {
    // Readers rely on the limit to order rows across channels; see `eventInsertMsMax`.
    await events.bulkWrite(operations, { ordered: true, ...durable, maxTimeMS: eventInsertMsMax });
    settleAll(all);
    return [];
  } catch (error) {
    const index = refusedIndex(error);
    const refused = index === undefined ? undefined : owners[index];
    if (!refused) {
      settleAll(all, asError(error));
      return [];
    }
    const isFence = index === owners.indexOf(refused);
    settleAll(all.slice(0, all.indexOf(refused)));
    settle(refused, isFence ? fenceFailure(error, refused.fence) : asError(error));
    return all.slice(all.indexOf(refused) + 1);
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
