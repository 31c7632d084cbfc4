import type { Collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Feeds } from "./channel-feeds.ts";
import { presentChannels } from "./present-channel.ts";

/** Feeds that read at once what a sweep found. */
const concurrency = 8;
/** Channels that one read of a sweep covers. */
const channelsPerRead = 1_000;

export interface FeedSweepOptions {
  db: Pick<Collections, "channels">;
  feeds: Feeds;
  log: Logger;
}

/** Compares every feed with the database, by one read for all of them. Only feeds that lag behind read on their own. */
export async function sweepFeeds({ db, feeds, log }: FeedSweepOptions): Promise<void> {
  const channelIds = feeds.all().map(({ channelId }) => channelId);
  for (let from = 0; from < channelIds.length; from += channelsPerRead) {
    try {
      const found = await presentChannels(db, channelIds.slice(from, from + channelsPerRead));
      // The workers share an iterator; p-limit would queue a promise for each of possibly thousands of feeds.
      const queue = found.values();
      const work = async () => {
        for (const channel of queue) await feeds.get(channel.channelId)?.compare(channel);
      };
      await Promise.all(Array.from({ length: concurrency }, work));
    } catch (error) {
      log.warn({ event: "feed_sweep_failed", ...errorTrace(error) }, "gateway could not sweep its channels");
    }
  }
}

/** Sweeps each `everyMs`, so that nothing depends on a notification. */
export async function keepSweeping(
  options: FeedSweepOptions,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, signal);
    if (!signal.aborted) await sweepFeeds(options);
  }
}
