import type { Collection } from "mongodb";
import type { IdempotencyKeyDocument } from "#shared/collections.ts";
import { boundedRead, durable } from "#shared/database.ts";
import { isDuplicate } from "#shared/database-errors.ts";
import type { KeyedRequest, KeyedRequests } from "../idempotency/keyed-request.ts";

/** Stores keyed requests, one row each, by `_id`; the times are the database's. */
export function mongoKeyedRequests(rows: Collection<IdempotencyKeyDocument>): KeyedRequests {
  return {
    async findRequest(id) {
      return toKeyedRequest(await rows.findOne({ _id: id }, { readConcern: "majority", ...boundedRead }));
    },
    async rememberRequest(id, request) {
      // An existing row stays unchanged, but the write still waits until a majority has it.
      const row = { $mergeObjects: [{ $literal: { _id: id, ...request } }, { createdAt: "$$NOW" }] };
      const exists = { $gt: ["$hash", null] };
      const insertOrKeep = () =>
        rows.findOneAndUpdate({ _id: id }, [{ $replaceWith: { $cond: [exists, "$$ROOT", row] } }], {
          upsert: true,
          returnDocument: "before",
          ...durable,
        });
      try {
        return toKeyedRequest(await insertOrKeep());
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // A concurrent request inserted the row.
        return toKeyedRequest(await insertOrKeep());
      }
    },
    async refuseRequest(id, refusal) {
      await rows.updateOne({ _id: id }, { $set: { refusal }, $unset: { ids: "" } }, durable);
    },
    async finishRequest(id, doneAt) {
      await rows.updateOne({ _id: id }, { $set: { doneAt } }, durable);
    },
  };
}

function toKeyedRequest(row: IdempotencyKeyDocument | null): KeyedRequest | null {
  if (!row) return null;
  const { hash, ids = {}, refusal, doneAt } = row;
  return { hash, ...(doneAt && { doneAt }), ...(refusal ? { refusal } : { ids }) };
}
