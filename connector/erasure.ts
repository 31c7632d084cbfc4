import type { Db } from "mongodb";
import {
  type CollectionName,
  type FenceDocument,
  fenceId,
  collectionNames as names,
} from "../shared/collections.ts";
import { authCollections, eraseRows } from "./auth/auth-rows.ts";
import type { Fence } from "./auth/fence.ts";

const fenceKeptDays = 30;

/** By what the TTL index of a fenced collection goes. */
const expiries = {
  /** As an event of now: as long as events are kept. */
  [names.events]: { timestamp: "$$NOW" },
  [names.authKeys]: {
    expiresAt: { $dateAdd: { startDate: "$$NOW", unit: "day", amount: fenceKeptDays } },
  },
};

/** Removes credentials that cannot be read any more, without opening them. Throws `FencedError` for a deposed owner. */
export async function eraseAuthRows(db: Db, fence: Fence): Promise<void> {
  await using session = db.client.startSession({ causalConsistency: false });
  await eraseRows(authCollections(db), fence, session);
}

/**
 * Removes all that is left of a channel. Its document goes last, so that an erasure that was interrupted is taken up
 * again; the fences stay for days, so that a former owner cannot write what nobody would remove.
 */
export async function eraseChannel(db: Db, channelId: string): Promise<void> {
  await eraseFrom(
    db,
    [names.authCreds, names.authKeys, names.commands, names.messages, names.events],
    channelId,
  );
  for (const [name, expiry] of Object.entries(expiries)) {
    await db.collection<FenceDocument>(name).updateOne({ _id: fenceId(channelId) }, [{ $set: expiry }]);
  }
  await db.collection<{ _id: string }>(names.channels).deleteOne({ _id: channelId });
  // Who found the channel a moment ago may have inserted one since, which nobody would ever claim.
  await eraseFrom(db, [names.commands], channelId);
}

async function eraseFrom(db: Db, collections: readonly CollectionName[], channelId: string): Promise<void> {
  for (const name of collections) {
    await db.collection<FenceDocument>(name).deleteMany({ channelId, _id: { $ne: fenceId(channelId) } });
  }
}
