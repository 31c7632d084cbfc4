import type { AnyBulkWriteOperation, Collection } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { type Settlement, settlementFields } from "./settlement.ts";

/**
 * Settles commands that match `mine`. Resolves when the settlement is durable; settlements that arrive during a write share
 * the next one.
 */
export function createSettler(commands: Collection<CommandDocument>, mine: object) {
  let waiting: Array<{ id: string; settlement: Settlement; done: PromiseWithResolvers<void> }> = [];
  let isWriting = false;
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const updates = batch.map(
        ({ id, settlement }): AnyBulkWriteOperation<CommandDocument> => ({
          updateOne: { filter: { _id: id, ...mine }, update: [{ $set: settlementFields(settlement) }] },
        }),
      );
      try {
        await commands.bulkWrite(updates, { ordered: false, ...durable });
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    isWriting = false;
  };
  return (id: string, settlement: Settlement): Promise<void> => {
    const done = Promise.withResolvers<void>();
    waiting.push({ id, settlement, done });
    if (!isWriting) {
      isWriting = true;
      queueMicrotask(() => void drain());
    }
    return done.promise;
  };
}
