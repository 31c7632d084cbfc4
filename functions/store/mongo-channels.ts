import type { Collection, Filter } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import { boundedRead, durable } from "#shared/database.ts";
import { createSharedCall } from "#shared/shared-call.ts";
import { newChannel } from "./new-channel.ts";
import type { ChannelQuery, FoundChannel, NewChannel, Store } from "./store.ts";

type Channels = Pick<
  Store,
  | "createChannel"
  | "findChannel"
  | "findDeletedChannel"
  | "listChannels"
  | "updateChannel"
  | "setWish"
  | "markDeleted"
>;

/** Reads and writes channels, without the deleted ones; all times are the database's. */
export function mongoChannels(channels: Collection<ChannelDocument>): Channels {
  const { submit: findChannel } = createSharedCall<string, FoundChannel | null>({
    async call(channelIds) {
      const found = await findTimed(channels, { _id: { $in: [...new Set(channelIds)] }, deletedAt: null });
      const byId = new Map(found.map((one) => [one.channel._id, one]));
      return channelIds.map((channelId) => byId.get(channelId) ?? null);
    },
  });
  return {
    async createChannel(channel) {
      const created = await channels.findOneAndUpdate({ _id: channel.channelId }, unlessExists(channel), {
        upsert: true,
        returnDocument: "after",
        ...durable,
      });
      if (!created) throw new Error("An upsert returned no document");
      return created;
    },
    findChannel,
    async findDeletedChannel(channelId) {
      const [found] = await findTimed(channels, { _id: channelId, deletedAt: { $ne: null } });
      return found ?? null;
    },
    listChannels: ({ signal, limit, ...query }) =>
      channels.find(filterOf(query), { sort: { _id: 1 }, limit, signal, ...boundedRead }).toArray(),
    updateChannel: (channelId, changes) =>
      channels.findOneAndUpdate(
        notDeleted(channelId),
        { $set: changes },
        { returnDocument: "after", ...durable },
      ),
    async setWish(channelId, wanted) {
      await channels.updateOne(notDeleted(channelId), { $set: { wanted } }, durable);
    },
    async markDeleted(channelId) {
      const { matchedCount } = await channels.updateOne(
        notDeleted(channelId),
        [{ $set: { deletedAt: "$$NOW", wanted: "disconnected" } }],
        durable,
      );
      return matchedCount === 1;
    },
  };
}

function notDeleted(channelId: string) {
  return { _id: channelId, deletedAt: null };
}

async function findTimed(
  channels: Collection<ChannelDocument>,
  filter: Filter<ChannelDocument>,
): Promise<FoundChannel[]> {
  const found = await channels
    .aggregate<ChannelDocument & { now: Date }>([{ $match: filter }, { $set: { now: "$$NOW" } }], boundedRead)
    .toArray();
  return found.map(({ now, ...channel }) => ({ channel, now }));
}

/** Creates the channel unless it exists. `$literal`, because callers' text may start with a `$`. */
function unlessExists(channel: NewChannel) {
  const times = { createdAt: "$$NOW", lastStatusUpdate: "$$NOW" };
  const created = { $mergeObjects: [{ $literal: newChannel(channel) }, times] };
  return [{ $replaceWith: { $cond: [{ $gt: ["$createdAt", null] }, "$$ROOT", created] } }];
}

function filterOf({ channelIds, status, after }: Omit<ChannelQuery, "signal" | "limit">) {
  return {
    deletedAt: null,
    ...(status && { status }),
    ...((channelIds || after) && {
      _id: { ...(channelIds && { $in: [...channelIds] }), ...(after && { $gt: after }) },
    }),
  };
}
