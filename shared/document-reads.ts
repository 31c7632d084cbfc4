import type { Collection, Filter, WithId } from "mongodb";
import { isUnavailable } from "./database-errors.ts";
import { oncePer } from "./once-per.ts";
import { createSharedCall, type SharedCall } from "./shared-call.ts";

type Reads<T> = SharedCall<string, WithId<T> | null>;

/**
 * Reads documents by id from the primary; null for one that does not exist. What is asked for at the same moment is one query, and
 * one that cannot be read fails alone.
 */
export function readDocument<T extends { _id: string }>(
  collection: Collection<T>,
  id: string,
): Promise<WithId<T> | null> {
  return (reads(collection as object) as unknown as Reads<T>).submit(id);
}

const primary = { readPreference: "primary" } as const;

const reads = oncePer((key: object): Reads<{ _id: string }> => {
  const collection = key as Collection<{ _id: string }>;
  const one = (id: string) => collection.findOne({ _id: id }, primary);
  return createSharedCall({
    async call(ids) {
      const [only] = ids;
      if (only !== undefined && ids.length === 1) return [await one(only)];
      try {
        const filter: Filter<{ _id: string }> = { _id: { $in: [...new Set(ids)] } };
        const found = await collection.find(filter, primary).toArray();
        const byId = new Map(found.map((document) => [document._id, document]));
        return ids.map((id) => byId.get(id) ?? null);
      } catch (error) {
        if (isUnavailable(error)) throw error;
        return ids.map(one);
      }
    },
  });
});
