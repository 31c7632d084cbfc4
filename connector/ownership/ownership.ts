import type { Filter } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { durable } from "#shared/database.ts";
import type { Fence } from "./fence.ts";

/** A channel that needs an owner. */
export interface Unowned {
  channelId: string;
  /** It is ours by the document, and no session runs it. */
  isOurs: boolean;
}

/**
 * Channels that somebody should run, since they want to be connected, are to be deleted or have commands, and that no
 * other living connector has. Those that `connectorId` has are among them. `among`: only these.
 */
export async function channelsWithoutOwner(
  db: Collections,
  connectorId: string,
  limit: number,
  among?: readonly string[],
): Promise<Unowned[]> {
  const ofThese = among ? { $in: [...among] } : undefined;
  const [waiting, others] = await Promise.all([
    db.commands.distinct("channelId", {
      ...(ofThese && { channelId: ofThese }),
      state: { $in: ["queued", "running"] },
    }),
    db.connectors.distinct("_id", { state: { $ne: "dead" }, _id: { $ne: connectorId } }),
  ]);
  const needsOne: Filter<ChannelDocument> = {
    ...(ofThese && { _id: ofThese }),
    "owner.connector": { $nin: others },
    $or: [{ wanted: "connected" }, { deletedAt: { $ne: null } }, { _id: { $in: waiting } }],
  };
  const found = await db.channels
    .find(needsOne, { projection: { "owner.connector": 1 } })
    .limit(limit)
    .toArray();
  return found.map(({ _id, owner }) => ({ channelId: _id, isOurs: owner.connector === connectorId }));
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
    { returnDocument: "after", ...durable },
  );
}

/** Lets go of a channel, if it is still ours under this epoch: it may have been acquired again meanwhile. */
export async function release(
  db: Pick<Collections, "channels">,
  fence: Fence,
  connectorId: string,
): Promise<void> {
  await db.channels.updateOne(held(fence, connectorId), { $set: { "owner.connector": null } }, durable);
}

/** As `release`, for another connector that should have it: it is not moved again for a while (`restingChannels`). */
export async function handOver(
  db: Pick<Collections, "channels">,
  fence: Fence,
  connectorId: string,
): Promise<void> {
  await db.channels.updateOne(
    held(fence, connectorId),
    { $set: { "owner.connector": null }, $currentDate: { "owner.movedAt": true } },
    durable,
  );
}

/** Channels of `connectorId` that were handed over less than `restMs` ago. */
export async function restingChannels(
  db: Pick<Collections, "channels">,
  connectorId: string,
  restMs: number,
): Promise<string[]> {
  const since = { $dateSubtract: { startDate: "$$NOW", unit: "millisecond", amount: restMs } };
  // Not `distinct`, which does not know `$$NOW`.
  const resting = { "owner.connector": connectorId, $expr: { $gt: ["$owner.movedAt", since] } };
  const found = await db.channels.find(resting, { projection: { _id: 1 } }).toArray();
  return found.map(({ _id }) => _id);
}

function held({ channelId, epoch }: Fence, connectorId: string): Filter<ChannelDocument> {
  return { _id: channelId, "owner.connector": connectorId, "owner.epoch": epoch };
}

async function isFree(db: Collections, { owner }: ChannelDocument, connectorId: string): Promise<boolean> {
  if (owner.connector === null || owner.connector === connectorId) return true;
  const holder = await db.connectors.findOne({ _id: owner.connector });
  return holder === null || holder.state === "dead";
}
