import type { Filter } from "mongodb";
import type { ChannelDocument } from "../shared/collections.ts";
import type { Collections } from "../shared/database.ts";

/** Which channels somebody should run: those that want to be connected, are to be deleted, or have commands waiting. */
export async function channelsWithoutOwner(db: Collections, limit: number): Promise<string[]> {
  const [waiting, living] = await Promise.all([
    db.commands.distinct("channelId", { state: { $in: ["queued", "running"] } }),
    db.connectors.distinct("_id", { state: { $ne: "dead" } }),
  ]);
  const needsOne: Filter<ChannelDocument> = {
    "owner.connector": { $nin: living },
    $or: [{ wanted: "connected" }, { deletedAt: { $ne: null } }, { _id: { $in: waiting } }],
  };
  const found = await db.channels
    .find(needsOne, { projection: { _id: 1 } })
    .limit(limit)
    .toArray();
  return found.map(({ _id }) => _id);
}

/**
 * Makes `connectorId` the owner under a new epoch. Null when the channel is gone, or a living connector has it, or
 * somebody else was faster.
 */
export async function acquire(
  db: Collections,
  channelId: string,
  connectorId: string,
): Promise<ChannelDocument | null> {
  const channel = await db.channels.findOne({ _id: channelId });
  if (!channel || !(await isFree(db, channel))) return null;
  const unchanged = { _id: channelId, owner: channel.owner };
  return db.channels.findOneAndUpdate(
    unchanged,
    { $set: { owner: { connector: connectorId, epoch: channel.owner.epoch + 1 } } },
    { returnDocument: "after", writeConcern: { w: "majority" } },
  );
}

/** Lets go of a channel, if it is still ours. */
export async function release(
  db: Collections,
  channelId: string,
  connectorId: string,
  epoch: number,
): Promise<void> {
  await db.channels.updateOne(
    { _id: channelId, "owner.connector": connectorId, "owner.epoch": epoch },
    { $set: { "owner.connector": null } },
    { writeConcern: { w: "majority" } },
  );
}

async function isFree(db: Collections, { owner }: ChannelDocument): Promise<boolean> {
  if (owner.connector === null) return true;
  const holder = await db.connectors.findOne({ _id: owner.connector });
  return holder === null || holder.state === "dead";
}
