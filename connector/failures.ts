import { performance } from "node:perf_hooks";
import { LRUCache } from "lru-cache";
import { type Backoff, backoffMs } from "../shared/backoff.ts";

/** Sessions that failed, by channel: a channel whose session cannot live is taken again ever more slowly. */
export interface Failures {
  count(channelId: string): void;
  /** Whether the pause after the last failure is over. */
  mayTry(channelId: string): boolean;
}

const rememberedMax = 10_000;
/** A channel that did not fail for this long starts from the beginning. */
const forgottenMs = 15 * 60_000;

export function createFailures(backoff: Backoff): Failures {
  const failures = new LRUCache<string, { count: number; until: number }>({
    max: rememberedMax,
    ttl: forgottenMs,
  });
  return {
    count(channelId) {
      const count = (failures.get(channelId)?.count ?? 0) + 1;
      failures.set(channelId, { count, until: performance.now() + backoffMs(backoff, count, Math.random()) });
    },
    mayTry: (channelId) => performance.now() >= (failures.get(channelId)?.until ?? 0),
  };
}
