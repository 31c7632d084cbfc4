import { performance } from "node:perf_hooks";
import { type Backoff, backoffMs } from "#shared/backoff.ts";
import { createBoundedCache } from "#shared/bounded-cache.ts";

/** Lengthens the pause before a failed session is reopened with each failure of its channel. */
export interface RestartBackoff {
  /** Counts a failure. Returns the length of the pause, in ms, and the number of failures in a row. */
  recordFailure(channelId: string): { pauseMs: number; count: number };
  /** Whether the pause after the last failure is over. */
  mayTry(channelId: string): boolean;
}

const rememberedMax = 10_000;
/** A channel that has not failed for this long starts over with the shortest pause. */
const forgottenMs = 15 * 60_000;

export function createRestartBackoff(backoff: Backoff): RestartBackoff {
  const failures = createBoundedCache<{ count: number; until: number }>(rememberedMax, { ttl: forgottenMs });
  return {
    recordFailure(channelId) {
      const count = (failures.get(channelId)?.count ?? 0) + 1;
      const pauseMs = backoffMs(backoff, count, Math.random());
      failures.set(channelId, { count, until: performance.now() + pauseMs });
      return { pauseMs, count };
    },
    mayTry: (channelId) => performance.now() >= (failures.get(channelId)?.until ?? 0),
  };
}
