import type { Collection, Document } from "mongodb";
import { type FenceDocument, fenceId } from "#shared/collections.ts";
import type { Fence } from "../ownership/fence.ts";

/**
 * The fence row names the server session in which its owner writes, until that one ends in order. A process that was
 * killed can leave a transaction open there, and the server holds everybody else off its rows for a minute and more
 * (89 s measured on 6.0.5); ending the session frees them at once.
 */
export async function killFormerSession<T extends Document>(
  collection: Collection<T>,
  { channelId }: Fence,
): Promise<void> {
  const session = (await rowsOf(collection).findOne({ _id: fenceId(channelId) }))?.session;
  // Where it is not allowed, the fence is only later to be had.
  if (session) await collection.db.command({ killSessions: [session] }).catch(() => undefined);
}

/** From now on whoever comes next has nothing to end. */
export async function clearSession<T extends Document>(
  collection: Collection<T>,
  { channelId, epoch }: Fence,
): Promise<void> {
  await rowsOf(collection).updateOne({ _id: fenceId(channelId), epoch }, { $unset: { session: "" } });
}

function rowsOf<T extends Document>({ db, collectionName }: Collection<T>): Collection<FenceDocument> {
  return db.collection<FenceDocument>(collectionName);
}
