import type { Db } from "mongodb";
import { type CollectionName, type FenceDocument, collectionNames as names } from "../shared/collections.ts";

/** Removes credentials that cannot be read any more, without opening them. */
export async function eraseAuthRows(db: Db, channelId: string): Promise<void> {
  await eraseFrom(db, [names.authCreds, names.authKeys], channelId);
}

/**
 * Removes all that is left of a channel. Its document goes last, so that an erasure that was interrupted is taken up
 * again; the fences stay, so that a former owner cannot write what nobody would remove.
 */
export async function eraseChannel(db: Db, channelId: string): Promise<void> {
  await eraseAuthRows(db, channelId);
  await eraseFrom(db, [names.commands, names.messages, names.events], channelId);
  await db.collection<{ _id: string }>(names.channels).deleteOne({ _id: channelId });
}

async function eraseFrom(db: Db, collections: readonly CollectionName[], channelId: string): Promise<void> {
  for (const name of collections) {
    await db.collection<FenceDocument>(name).deleteMany({ channelId, _id: { $ne: `${channelId}/fence` } });
  }
}
