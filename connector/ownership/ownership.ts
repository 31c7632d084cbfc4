/** Decides which connector runs which channel, by leases, epochs, fences and rendezvous hashing. */

/*
 * How a channel changes hands. `acquire` and `raiseFence` are conditional writes: of several connectors, one wins.
 *
 *   takeLease    connectors: a row with `aliveUntil`, renewed; once `dead`, never alive again
 *      |
 *   acquire      channels: owner = { connector, epoch + 1 }, if no other living connector owns the channel
 *      |
 *   raiseFence   fence row of each fenced collection: epoch; from here on writes of lower epochs are refused
 *      |
 *   session      runs while `lease.isValid()`
 *      |
 *   release      channels: owner.connector = null; the epoch stays
 */

import type { Filter } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { durable } from "#shared/database.ts";
import { readDocument } from "#shared/document-reads.ts";
import { acquisitions, guessedAcquisitions } from "./acquisitions.ts";
import type { Fence } from "./fence.ts";
import { channelsWithCommands } from "./open-commands.ts";

/** A channel that needs an owner. */
export interface Unowned {
  channelId: string;
  /** The document names us as the owner. */
  isOurs: boolean;
}

/**
 * Finds channels that need an owner (they are wanted, to be unlinked or deleted, or have commands) and that no other living
 * connector owns. Channels of `connectorId` itself are included. `among` limits the search to these channels; `waiting` names
 * those with commands, if that is known.
 */
export async function channelsWithoutOwner(
  db: Collections,
  connectorId: string,
  limit: number,
  { among, waiting: known }: { among?: readonly string[]; waiting?: readonly string[] } = {},
): Promise<Unowned[]> {
  const ids = among ? { $in: [...among] } : undefined;
  const [waiting, others] = await Promise.all([
    known ?? channelsWithCommands(db, among),
    db.connectors.distinct("_id", { state: { $ne: "dead" }, _id: { $ne: connectorId } }),
  ]);
  const needsOwner: Filter<ChannelDocument> = {
    ...(ids && { _id: ids }),
    "owner.connector": { $nin: others },
    $or: [
      { wanted: "connected" },
      { deletedAt: { $ne: null } },
      { "unlink.since": { $ne: null } },
      { _id: { $in: waiting } },
    ],
  };
  const found = await db.channels
    .find(needsOwner, { projection: { "owner.connector": 1 } })
    .limit(limit)
    .toArray();
  return found.map(({ _id, owner }) => ({ channelId: _id, isOurs: owner.connector === connectorId }));
}

/**
 * Makes `connectorId` the owner under a new epoch, also of a channel that it owns already and whose session failed.
 * Resolves to null if the channel does not exist, another living connector owns it, another one won the race, or `mayTake`
 * says no, which is asked only about a channel that is free. Channels that are acquired at the same moment share the commands.
 */
export async function acquire(
  db: Collections,
  channelId: string,
  connectorId: string,
  mayTake: (channel: ChannelDocument) => Promise<boolean> = async () => true,
): Promise<ChannelDocument | null> {
  const channel = await readDocument(db.channels, channelId);
  if (!channel || !(await isFree(db, channel, connectorId)) || !(await mayTake(channel))) return null;
  return acquisitions(db.channels).submit({ channelId, connectorId, former: channel.owner });
}

/** As `acquire`, for a channel that never had an owner, without a look at it before. Resolves to null for any other. */
export function acquireNew(
  db: Pick<Collections, "channels">,
  channelId: string,
  connectorId: string,
): Promise<ChannelDocument | null> {
  const former = { connector: null, epoch: 0 };
  return guessedAcquisitions(db.channels).submit({ channelId, connectorId, former });
}

/** Releases a channel if it is still ours under this epoch; it may have been acquired again meanwhile. */
export async function release(
  db: Pick<Collections, "channels">,
  fence: Fence,
  connectorId: string,
): Promise<void> {
  await db.channels.updateOne(held(fence, connectorId), { $set: { "owner.connector": null } }, durable);
}

/** As `release`, to move the channel to the connector it prefers; it then rests for a while (`restingChannels`). */
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

/**
 * As `release`, by a connector that cannot open the channel: it is left to the others among `living`. The list holds only
 * living connectors, so it does not grow.
 */
export async function leaveUnopened(
  db: Pick<Collections, "channels">,
  fence: Fence,
  connectorId: string,
  living: readonly string[],
): Promise<void> {
  const before = { $setIntersection: [{ $ifNull: ["$owner.unopenedBy", []] }, { $literal: [...living] }] };
  const unopenedBy = { $setUnion: [before, [{ $literal: connectorId }]] };
  await db.channels.updateOne(
    held(fence, connectorId),
    [{ $set: { "owner.connector": null, "owner.unopenedBy": unopenedBy } }],
    durable,
  );
}

/** Finds channels of `connectorId` that were handed over less than `restMs` ago. */
export async function restingChannels(
  db: Pick<Collections, "channels">,
  connectorId: string,
  restMs: number,
): Promise<string[]> {
  const since = { $dateSubtract: { startDate: "$$NOW", unit: "millisecond", amount: restMs } };
  // Not `distinct`, which does not support `$$NOW`.
  const resting = { "owner.connector": connectorId, $expr: { $gt: ["$owner.movedAt", since] } };
  const found = await db.channels.find(resting, { projection: { _id: 1 } }).toArray();
  return found.map(({ _id }) => _id);
}

function held({ channelId, epoch }: Fence, connectorId: string): Filter<ChannelDocument> {
  return { _id: channelId, "owner.connector": connectorId, "owner.epoch": epoch };
}

async function isFree(db: Collections, { owner }: ChannelDocument, connectorId: string): Promise<boolean> {
  if (owner.connector === null || owner.connector === connectorId) return true;
  const holder = await readDocument(db.connectors, owner.connector);
  return holder === null || holder.state === "dead";
}
