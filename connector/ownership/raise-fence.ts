import { type Collection, type Document, MongoServerError, type WriteError } from "mongodb";
import { bulkRefusals } from "#shared/bulk-refusals.ts";
import { type FenceDocument, fenceId } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { duplicateKeyCode, withoutBulk } from "#shared/database-errors.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";
import { type Fence, FencedError, type FenceFields } from "./fence.ts";

/** A fence to be raised, and further fields to set with it. */
interface Raise {
  fence: Fence;
  fields: FenceFields;
}

/** A transaction of a process that died may hold one of the rows for a minute or more: each is raised alone then. */
const togetherMs = 1_000;
const timeExpiredCode = 50;

/**
 * Takes the fence for `epoch` and sets `fields` with it; idempotent. Resolves with the fence row once a majority has
 * it: from then on every bulk of a lower epoch is refused. Throws `FencedError` if a higher epoch holds it. Channels that are
 * taken over at the same moment share the commands; a refused one affects no other.
 */
export function raiseFence<T extends Document>(
  collection: Collection<T>,
  fence: Fence,
  fields: FenceFields = {},
): Promise<FenceDocument> {
  return raises(collection as unknown as Collection<FenceDocument>).submit({ fence, fields });
}

const raises = oncePer((rows: Collection<FenceDocument>) =>
  createSharedCall<Raise, FenceDocument>({
    async call(items) {
      const [only] = items;
      if (only && items.length === 1) return [await raiseAlone(rows, only)];
      try {
        return await together(rows, items);
      } catch (error) {
        if (!isTimeExpired(error)) throw error;
        // Settle one by one: each waits only for a transaction on its own row.
        return items.map((item) => raiseAlone(rows, item));
      }
    },
  }),
);

async function raiseAlone(rows: Collection<FenceDocument>, raise: Raise): Promise<FenceDocument> {
  const { filter, update } = operationOf(raise);
  try {
    const row = await rows.findOneAndUpdate(filter, update, {
      upsert: true,
      returnDocument: "after",
      ...durable,
    });
    if (!row) throw new Error("An upsert returned no document");
    return row;
  } catch (error) {
    const isRefused = error instanceof MongoServerError && error.code === duplicateKeyCode;
    throw isRefused ? new FencedError(raise.fence, { cause: error }) : error;
  }
}

function operationOf({ fence: { channelId, epoch }, fields }: Raise) {
  return {
    filter: { _id: fenceId(channelId), channelId, epoch: { $lte: epoch } },
    update: { $set: { ...fields, channelId, epoch }, $inc: { n: 1 } },
    upsert: true,
  };
}

async function together(
  rows: Collection<FenceDocument>,
  items: readonly Raise[],
): Promise<(FenceDocument | Error)[]> {
  const refused = await raiseAll(rows, items);
  const ids = items.map(({ fence }) => fenceId(fence.channelId));
  const channelIds = items.map(({ fence }) => fence.channelId);
  const filter = { _id: { $in: ids }, channelId: { $in: channelIds } };
  const found = await rows.find(filter, { readPreference: "primary" }).toArray();
  const byId = new Map(found.map((row) => [row._id, row]));
  return items.map(({ fence }, index) => {
    const refusal = refused.get(index);
    if (refusal) return refusalError(refusal, fence);
    const row = byId.get(fenceId(fence.channelId));
    if (!row || row.epoch < fence.epoch) return new Error("A fence was not found as it was raised");
    return row.epoch > fence.epoch ? new FencedError(fence) : row;
  });
}

async function raiseAll(
  rows: Collection<FenceDocument>,
  items: readonly Raise[],
): Promise<Map<number, WriteError>> {
  const operations = items.map((item) => ({ updateOne: operationOf(item) }));
  try {
    await rows.bulkWrite(operations, { ordered: false, ...durable, maxTimeMS: togetherMs });
    return new Map();
  } catch (error) {
    return bulkRefusals(error);
  }
}

function refusalError(refusal: WriteError, fence: Fence): Error {
  if (refusal.code === duplicateKeyCode) return new FencedError(fence, { cause: refusal });
  return new Error(`A fence was refused with code ${refusal.code}`);
}

function isTimeExpired(thrown: unknown): boolean {
  const error = withoutBulk(thrown);
  return error instanceof Error && "code" in error && error.code === timeExpiredCode;
}
