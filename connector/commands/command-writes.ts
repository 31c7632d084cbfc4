import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  type Filter,
  MongoBulkWriteError,
} from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { createSharedCall, type SharedCall } from "#shared/shared-call.ts";
import { type Fence, FencedError } from "../ownership/fence.ts";

/** Updates of one channel's commands, each of one document. */
interface CommandUpdates {
  /** Checked right before the write, because an earlier one may have taken long. */
  fence: Pick<Fence, "channelId" | "epoch" | "isHeld">;
  updates: readonly { filter: Filter<CommandDocument>; update: Document[] }[];
}

/**
 * Resolves when the updates are durable: to true if each has certainly changed a document, to false if the caller must look.
 * Throws `FencedError` for an owner past its deadline.
 */
type UpdateCommands = SharedCall<CommandUpdates, boolean>;

/** Writes to the commands of all channels of a process. What waits at the same moment shares a write. */
export interface CommandWrites {
  /** Claims do not wait for settlements. */
  claims: UpdateCommands;
  settlements: UpdateCommands;
}

export function createCommandWrites(commands: Collection<CommandDocument>): CommandWrites {
  return { claims: updateCommands(commands), settlements: updateCommands(commands) };
}

function updateCommands(commands: Collection<CommandDocument>): UpdateCommands {
  return createSharedCall<CommandUpdates, boolean>({
    async call(items) {
      const held = items.filter(({ fence }) => fence.isHeld?.() !== false);
      const owners = held.flatMap((item) => item.updates.map(() => item));
      const operations = held.flatMap(({ updates }) => updates.map((updateOne) => ({ updateOne })));
      const { modifiedCount, refused } = await write(commands, operations);
      const isCertain = modifiedCount === operations.length;
      const errors = new Map(refused.map(({ index, error }) => [owners[index], error]));
      return items.map((item) => {
        if (!held.includes(item)) return new FencedError(item.fence);
        return errors.get(item) ?? (isCertain || item.updates.length === 0);
      });
    },
  });
}

/** An update that the server refuses affects no other. */
async function write(
  commands: Collection<CommandDocument>,
  operations: AnyBulkWriteOperation<CommandDocument>[],
): Promise<{ modifiedCount: number; refused: { index: number; error: Error }[] }> {
  if (operations.length === 0) return { modifiedCount: 0, refused: [] };
  try {
    const { modifiedCount } = await commands.bulkWrite(operations, { ordered: false, ...durable });
    return { modifiedCount, refused: [] };
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) throw error;
    const refused = [error.writeErrors].flat().map(({ index }) => ({ index, error }));
    if (refused.length === 0) throw error;
    return { modifiedCount: error.modifiedCount, refused };
  }
}
