import { performance } from "node:perf_hooks";
import { sleep } from "#shared/sleep.ts";

/** A token bucket: `burst` at once, then `rate` per second. A rate of 0 means no limit. `now` is monotonic, in ms. */
export interface TokenBucket {
  /** Takes a token, a future one if the bucket is empty, and returns how long to wait for it, in ms. Never refuses. */
  take(now: number): number;
  /** Takes `count` tokens, one unless told, if there are as many; returns whether it did. */
  tryTake(now: number, count?: number): boolean;
}

export function createTokenBucket(ratePerSecond: number, burst: number): TokenBucket {
  let tokens = burst;
  let at = Number.NEGATIVE_INFINITY;
  const refill = (now: number) => {
    const elapsedMs = Math.max(0, now - at);
    tokens = Math.min(burst, tokens + (elapsedMs * ratePerSecond) / 1_000);
    at = Math.max(at, now);
  };
  return {
    take(now) {
      if (ratePerSecond === 0) return 0;
      refill(now);
      tokens -= 1;
      return tokens >= 0 ? 0 : Math.ceil((-tokens * 1_000) / ratePerSecond);
    },
    tryTake(now, count = 1) {
      if (ratePerSecond === 0) return true;
      refill(now);
      if (tokens < count) return false;
      tokens -= count;
      return true;
    },
  };
}

/** Waits for a token, or until one of the signals aborts. A token that is there takes no timer: the shortest lasts 1 ms. */
export async function waitForToken(bucket: TokenBucket, signals: readonly AbortSignal[]): Promise<void> {
  const waitMs = bucket.take(performance.now());
  if (waitMs > 0) await sleep(waitMs, AbortSignal.any([...signals]));
}

/**
 * Makes a function that resolves when one more connection may be opened: `burst` at once, then `perSecond`, so that a start
 * with many channels does not become a stampede. Resolves at once when `signal` has aborted.
 */
export function createThrottle(perSecond: number, burst: number, signal: AbortSignal): () => Promise<void> {
  const bucket = createTokenBucket(perSecond, burst);
  return () => waitForToken(bucket, [signal]);
}
