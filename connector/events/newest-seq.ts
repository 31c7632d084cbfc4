import type { Collection } from "mongodb";
import { collectionNames, type EventDocument, fenceId } from "#shared/collections.ts";
import { oncePer } from "#shared/once-per.ts";
import { createSharedCall } from "#shared/shared-call.ts";

/**
 * Reads the number of the newest event of a channel whose fence exists; null if its log is empty. Channels that are taken over at
 * the same moment share the query.
 */
export const newestSeqs = oncePer((events: Collection<EventDocument>) =>
  createSharedCall<string, number | null>({
    async call(channelIds) {
      const found = await events
        .aggregate<{ channelId: string; newest: { seq: number }[] }>(
          [
            { $match: { _id: { $in: channelIds.map(fenceId) } } },
            { $lookup: newestEvent("channelId") },
            { $project: { _id: 0, channelId: 1, newest: 1 } },
          ],
          { readPreference: "primary" },
        )
        .toArray();
      const seqs = new Map(found.map(({ channelId, newest: [row] }) => [channelId, row?.seq]));
      return channelIds.map((channelId) => seqs.get(channelId) ?? null);
    },
  }),
);

/** A `$lookup` that adds, as `newest`, the number of the newest event of the channel whose id is in this field. */
export const newestEvent = (localField: string) => ({
  from: collectionNames.events,
  localField,
  foreignField: "channelId",
  pipeline: [
    { $match: { seq: { $exists: true } } },
    { $sort: { seq: -1 } },
    { $limit: 1 },
    { $project: { _id: 0, seq: 1 } },
  ],
  as: "newest",
});
