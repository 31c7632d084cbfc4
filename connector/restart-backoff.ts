import { performance } from "node:perf_hooks";
import { LRUCache } from "lru-cache";
import { type Backoff, backoffMs } from "#shared/backoff.ts";

/** Sessions that failed, by channel: a channel whose session cannot live is taken again ever more slowly. */
export interface RestartBackoff {
  /** Returns how long the pause is now, in ms. */
  recordFailure(channelId: string): number;
  /** Whether the pause after the last failure is over. */
  mayTry(channelId: string): boolean;
}

const rememberedMax = 10_000;
/** A channel that did not fail for this long starts from the beginning. */
const forgottenMs = 15 * 60_000;

export function createRestartBackoff(backoff: Backoff): RestartBackoff {
  const failures = new LRUCache<string, { count: number; until: number }>({
    max: rememberedMax,
    ttl: forgottenMs,
  });
  return {
    recordFailure(channelId) {
      const count = (failures.get(channelId)?.count ?? 0) + 1;
      const pauseMs = backoffMs(backoff, count, Math.random());
      failures.set(channelId, { count, until: performance.now() + pauseMs });
      return pauseMs;
    },
    mayTry: (channelId) => performance.now() >= (failures.get(channelId)?.until ?? 0),
  };
}
