import type { Collection, Document } from "mongodb";
import { type FenceDocument, fenceId } from "#shared/collections.ts";
import type { Fence } from "../ownership/fence.ts";

/**
 * Kills the server session of the former owner, which the fence row names until that owner stops in order. A killed
 * process can leave a transaction open in its session, and the server then locks its rows for a minute or more (89 s
 * measured on 6.0.5); killing the session frees them at once.
 */
export async function killFormerSession<T extends Document>(
  collection: Collection<T>,
  { channelId }: Fence,
): Promise<void> {
  const session = (await rowsOf(collection).findOne({ _id: fenceId(channelId), channelId }))?.session;
  // Without the permission, raising the fence only takes longer.
  if (session) await collection.db.command({ killSessions: [session] }).catch(() => undefined);
}

/** Clears the recorded server session, so the next owner has none to kill. */
export async function clearSession<T extends Document>(
  collection: Collection<T>,
  { channelId, epoch }: Fence,
): Promise<void> {
  await rowsOf(collection).updateOne(
    { _id: fenceId(channelId), channelId, epoch },
    { $unset: { session: "" } },
  );
}

function rowsOf<T extends Document>({ db, collectionName }: Collection<T>): Collection<FenceDocument> {
  return db.collection<FenceDocument>(collectionName);
}
