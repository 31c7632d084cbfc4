import type { Collections } from "#shared/database.ts";
import { newestEvent } from "../events/newest-seq.ts";
import type { PresentChannel } from "./snapshot.ts";

/** The database's clock decides whether a pairing has expired, because the channel's owner dated it by that. */
const projection = {
  _id: 0,
  now: "$$NOW",
  channelId: 1,
  status: 1,
  reason: 1,
  retryAt: 1,
  lastDisconnect: 1,
  lastStatusUpdate: 1,
  "config.qrCode": 1,
  pairing: { $cond: [{ $gt: ["$pairing.expiresAt", "$$NOW"] }, "$pairing", null] },
};

/** A channel, if it exists for callers, and the number of its newest event. */
export interface SweptChannel {
  channelId: string;
  channel: PresentChannel | null;
  seq: number;
}

/** Reads the current state of many channels at once, and where their logs end. */
export async function presentChannels(
  { channels }: Pick<Collections, "channels">,
  channelIds: readonly string[],
): Promise<SweptChannel[]> {
  const found = await channels
    .aggregate<PresentChannel & { newest: { seq: number }[]; isDeleted: boolean }>(
      [
        { $match: { _id: { $in: channelIds } } },
        { $lookup: newestEvent("_id") },
        { $project: { ...projection, newest: 1, isDeleted: { $gt: ["$deletedAt", null] } } },
      ],
      { readConcern: "majority", batchSize: channelIds.length + 1 },
    )
    .toArray();
  return found.map(({ newest, isDeleted, ...channel }) => ({
    channelId: channel.channelId,
    channel: isDeleted ? null : channel,
    seq: newest[0]?.seq ?? 0,
  }));
}

/** Reads the current state of a channel; null if it does not exist or is being deleted. */
export function presentChannel(
  { channels }: Pick<Collections, "channels">,
  channelId: string,
): Promise<PresentChannel | null> {
  return channels.findOne<PresentChannel>({ _id: channelId, deletedAt: null }, { projection });
}
