import type { ChangeStreamInsertDocument } from "mongodb";
import type { EventDocument } from "../../shared/collections.ts";
import type { Collections } from "../../shared/database.ts";
import { followChanges } from "../../shared/follow-changes.ts";
import type { Logger } from "../../shared/log.ts";
import type { Feeds } from "./feeds.ts";
import { sweepFeeds } from "./sweep.ts";

export interface TailSource {
  db: Pick<Collections, "events" | "channels">;
  feeds: Feeds;
  log: Logger;
  signal: AbortSignal;
  /** The stream is open, or its first opening failed. */
  attempted: () => void;
}

/** Tells the feeds of new rows of the log: one stream for all channels. Fence rows have no `seq`. */
export function tailEvents({ db, feeds, attempted, ...rest }: TailSource): Promise<void> {
  const inserts = [{ $match: { operationType: "insert", "fullDocument.seq": { $exists: true } } }];
  return followChanges<ChangeStreamInsertDocument<EventDocument>>({
    ...rest,
    name: "events",
    watch: () => db.events.watch(inserts),
    opened() {
      attempted();
      void sweepFeeds(feeds.all(), (feed) => feed.readLog());
    },
    lost: attempted,
    changed: ({ fullDocument }) => feeds.get(fullDocument.channelId)?.offer(fullDocument),
  });
}
