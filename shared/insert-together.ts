import {
  type Collection,
  MongoBulkWriteError,
  MongoServerError,
  type OptionalUnlessRequiredId,
} from "mongodb";
import { durable } from "./database.ts";
import { createSharedCall } from "./shared-call.ts";

/**
 * Inserts documents, durable, in the order in which they are given; those of requests at the same moment share a command. One
 * that is refused, such as a duplicate, rejects alone, with the error of its own insertion.
 */
export function insertTogether<T extends { _id: string }>(
  collection: Collection<T>,
): (document: OptionalUnlessRequiredId<T>) => Promise<void> {
  const { submit } = createSharedCall<OptionalUnlessRequiredId<T>, undefined>({
    async call(documents) {
      // An error of a single insertion keeps its own type.
      const [only] = documents;
      if (only && documents.length === 1) {
        await collection.insertOne(only, durable);
        return [undefined];
      }
      const refused = await insertAll(collection, documents);
      return documents.map((_, index) => refused.get(index));
    },
  });
  return submit;
}

async function insertAll<T extends { _id: string }>(
  collection: Collection<T>,
  documents: readonly OptionalUnlessRequiredId<T>[],
): Promise<Map<number, Error>> {
  try {
    await collection.insertMany([...documents], { ordered: false, ...durable });
    return new Map();
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) throw error;
    const refused = [error.writeErrors].flat();
    if (refused.length === 0) throw error;
    return new Map(refused.map(({ index, err }) => [index, new MongoServerError(err)]));
  }
}
