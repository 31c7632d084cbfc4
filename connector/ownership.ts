import type { Filter } from "mongodb";
import type { ChannelDocument } from "../shared/collections.ts";
import type { Collections } from "../shared/database.ts";
import type { Fence } from "./auth/fence.ts";

/**
 * Channels that somebody should run, since they want to be connected, are to be deleted or have commands, and that no
 * other living connector has. Those that `connectorId` has are among them.
 */
export async function channelsWithoutOwner(
  db: Collections,
  connectorId: string,
  limit: number,
): Promise<string[]> {
  const [waiting, others] = await Promise.all([
    db.commands.distinct("channelId", { state: { $in: ["queued", "running"] } }),
    db.connectors.distinct("_id", { state: { $ne: "dead" }, _id: { $ne: connectorId } }),
  ]);
  const needsOne: Filter<ChannelDocument> = {
    "owner.connector": { $nin: others },
    $or: [{ wanted: "connected" }, { deletedAt: { $ne: null } }, { _id: { $in: waiting } }],
  };
  const found = await db.channels
    .find(needsOne, { projection: { _id: 1 } })
    .limit(limit)
    .toArray();
  return found.map(({ _id }) => _id);
}

/**
 * Makes `connectorId` the owner under a new epoch, also of a channel that it had before and whose session failed. Null
 * when the channel is gone, another living connector has it, or somebody else was faster.
 */
export async function acquire(
  db: Collections,
  channelId: string,
  connectorId: string,
): Promise<ChannelDocument | null> {
  const channel = await db.channels.findOne({ _id: channelId });
  if (!channel || !(await isFree(db, channel, connectorId))) return null;
  return db.channels.findOneAndUpdate(
    { _id: channelId, "owner.connector": channel.owner.connector, "owner.epoch": channel.owner.epoch },
    { $set: { "owner.connector": connectorId }, $inc: { "owner.epoch": 1 } },
    { returnDocument: "after", writeConcern: { w: "majority" } },
  );
}

/** Lets go of a channel, if it is still ours under this epoch: it may have been acquired again meanwhile. */
export async function release(
  db: Collections,
  { channelId, epoch }: Fence,
  connectorId: string,
): Promise<void> {
  await db.channels.updateOne(
    { _id: channelId, "owner.connector": connectorId, "owner.epoch": epoch },
    { $set: { "owner.connector": null } },
    { writeConcern: { w: "majority" } },
  );
}

async function isFree(db: Collections, { owner }: ChannelDocument, connectorId: string): Promise<boolean> {
  if (owner.connector === null || owner.connector === connectorId) return true;
  const holder = await db.connectors.findOne({ _id: owner.connector });
  return holder === null || holder.state === "dead";
}
