import type { Collection } from "mongodb";
import { channelType } from "../shared/channel.ts";
import type { ChannelDocument } from "../shared/collections.ts";
import { durably } from "./durably.ts";
import type { ChannelQuery, NewChannel, Store } from "./store.ts";

type Channels = Pick<
  Store,
  "createChannel" | "findChannel" | "listChannels" | "updateChannel" | "setWish" | "markDeleted"
>;

/** Channels, without those that are deleted; their times are the database's. */
export function mongoChannels(channels: Collection<ChannelDocument>): Channels {
  return {
    async createChannel(channel) {
      const created = await channels.findOneAndUpdate({ _id: channel.channelId }, timed(inactive(channel)), {
        upsert: true,
        returnDocument: "after",
        ...durably,
      });
      if (!created) throw new Error("An upsert returned no document");
      return created;
    },
    async findChannel(channelId) {
      const [found] = await channels
        .aggregate<ChannelDocument & { now: Date }>([
          { $match: existing(channelId) },
          { $set: { now: "$$NOW" } },
        ])
        .toArray();
      if (!found) return null;
      const { now, ...channel } = found;
      return { channel, now };
    },
    listChannels: (query) => channels.find(filterOf(query)).sort({ _id: 1 }).limit(query.limit).toArray(),
    updateChannel: (channelId, changes) =>
      channels.findOneAndUpdate(
        existing(channelId),
        { $set: changes },
        { returnDocument: "after", ...durably },
      ),
    async setWish(channelId, wanted) {
      await channels.updateOne(existing(channelId), { $set: { wanted } }, durably);
    },
    async markDeleted(channelId) {
      const { matchedCount } = await channels.updateOne(
        existing(channelId),
        [{ $set: { deletedAt: "$$NOW", wanted: "disconnected" } }],
        durably,
      );
      return matchedCount === 1;
    },
  };
}

function existing(channelId: string) {
  return { _id: channelId, deletedAt: null };
}

function inactive({ channelId, name, metadata, phoneNumber }: NewChannel) {
  return {
    _id: channelId,
    channelId,
    type: channelType,
    name,
    metadata,
    config: { phoneNumber, qrCode: null, pairingCode: null },
    pairing: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    lastDisconnect: null,
    wanted: "disconnected",
    owner: { connector: null, epoch: 0 },
    lid: null,
    deletedAt: null,
  } satisfies Omit<ChannelDocument, "createdAt" | "lastStatusUpdate">;
}

/** `$literal`: what callers write may start with a `$`. */
function timed(channel: ReturnType<typeof inactive>) {
  const times = { createdAt: "$$NOW", lastStatusUpdate: "$$NOW" };
  return [{ $replaceWith: { $mergeObjects: [{ $literal: channel }, times] } }];
}

function filterOf({ channelIds, status, after }: ChannelQuery) {
  return {
    deletedAt: null,
    ...(status && { status }),
    ...((channelIds || after) && {
      _id: { ...(channelIds && { $in: [...channelIds] }), ...(after && { $gt: after }) },
    }),
  };
}
