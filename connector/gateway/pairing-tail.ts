import type { ChangeStreamUpdateDocument } from "mongodb";
import type { ChannelDocument } from "#shared/collections.ts";
import type { Collections } from "#shared/database.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";
import type { Feeds } from "./channel-feeds.ts";
import { sweepFeeds } from "./feed-sweep.ts";

export interface PairingTailOptions {
  db: Pick<Collections, "channels">;
  feeds: Feeds;
  log: Logger;
  signal: AbortSignal;
  /** The stream is open, or could not be opened. */
  attempted(): void;
}

/** Matches an update of `pairing` or of a field in it, and every replacement. */
const pairingChanged = {
  $or: [
    { operationType: "replace" },
    {
      operationType: "update",
      $expr: {
        $anyElementTrue: [
          {
            $map: {
              input: { $objectToArray: "$updateDescription.updatedFields" },
              in: { $regexMatch: { input: "$$this.k", regex: "^pairing(\\.|$)" } },
            },
          },
        ],
      },
    },
  ],
};

/**
 * Makes a feed read its pairing when a QR or pairing code may have changed. The stream says only which channel to read.
 */
export function tailPairings({ db, feeds, attempted, ...rest }: PairingTailOptions): Promise<void> {
  return followChanges<Pick<ChangeStreamUpdateDocument<ChannelDocument>, "_id" | "documentKey">>({
    ...rest,
    name: "channels",
    watch: () => db.channels.watch([{ $match: pairingChanged }, { $project: { documentKey: 1 } }]),
    opened() {
      attempted();
      void sweepFeeds({ db, feeds, log: rest.log });
    },
    lost: attempted,
    changed: ({ documentKey }) => void feeds.get(documentKey._id)?.readPairing(),
  });
}
