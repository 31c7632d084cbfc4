import type { Collection } from "mongodb";
import type { IdempotencyKeyDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import type { KeyedRequest, KeyedRequests } from "../idempotency/keyed-request.ts";
import { isDuplicate } from "./mongo-duplicate.ts";

/** What is kept of requests under a key: one row each, by its `_id`; the times are the database's. */
export function mongoKeyedRequests(rows: Collection<IdempotencyKeyDocument>): KeyedRequests {
  return {
    async findRequest(id) {
      return asRequest(await rows.findOne({ _id: id }, { readConcern: "majority" }));
    },
    async rememberRequest(id, request) {
      // One that is there stays as it is; even then the write waits until a majority has it.
      const row = { $mergeObjects: [{ $literal: { _id: id, ...request } }, { createdAt: "$$NOW" }] };
      const isThere = { $gt: ["$hash", null] };
      const put = () =>
        rows.findOneAndUpdate({ _id: id }, [{ $replaceWith: { $cond: [isThere, "$$ROOT", row] } }], {
          upsert: true,
          returnDocument: "before",
          ...durable,
        });
      try {
        return asRequest(await put());
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Another one came in the same moment.
        return asRequest(await put());
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

function asRequest(row: IdempotencyKeyDocument | null): KeyedRequest | null {
  if (!row) return null;
  const { hash, ids = {}, refusal, doneAt } = row;
  return { hash, ...(doneAt && { doneAt }), ...(refusal ? { refusal } : { ids }) };
}
