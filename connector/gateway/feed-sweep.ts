import { sleep } from "#shared/sleep.ts";
import type { ChannelFeed } from "./channel-feed.ts";
import type { Feeds } from "./channel-feeds.ts";

/** Reads that run at once in a sweep. */
const concurrency = 8;

/**
 * Runs `read` for every feed, a few at a time. The workers share an iterator; p-limit would queue a promise for each of
 * possibly thousands of feeds.
 */
export async function sweepFeeds(
  feeds: readonly ChannelFeed[],
  read: (feed: ChannelFeed) => Promise<void>,
): Promise<void> {
  const queue = feeds.values();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const feed of queue) await read(feed);
    }),
  );
}

/** Reads the log and pairing of every feed each `everyMs`, so that nothing depends on a notification. */
export async function keepSweeping(feeds: Feeds, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, signal);
    if (signal.aborted) return;
    await sweepFeeds(feeds.all(), (feed) => feed.readLog());
    await sweepFeeds(feeds.all(), (feed) => feed.readPairing());
  }
}
