import type { ChangeStreamInsertDocument } from "mongodb";
import type { EventDocument } from "../../shared/collections.ts";
import type { Collections } from "../../shared/database.ts";
import type { Logger } from "../../shared/log.ts";
import { followChanges } from "./change-stream.ts";
import type { Feeds } from "./feeds.ts";
import { sweepFeeds } from "./sweep.ts";

export interface TailSource {
  db: Pick<Collections, "events" | "channels">;
  feeds: Feeds;
  log: Logger;
  signal: AbortSignal;
  attempted: () => void;
}

/** Tells the feeds of new rows of the log: one stream for all channels. Fence rows have no `seq`. */
export function tailEvents({ db, feeds, ...rest }: TailSource): Promise<void> {
  const inserts = [{ $match: { operationType: "insert", "fullDocument.seq": { $exists: true } } }];
  return followChanges<ChangeStreamInsertDocument<EventDocument>>({
    ...rest,
    name: "events",
    watch: () => db.events.watch(inserts),
    opened: () => void sweepFeeds(feeds.all(), (feed) => feed.readLog()),
    changed: ({ fullDocument }) => feeds.get(fullDocument.channelId)?.offer(fullDocument),
  });
}
