import { performance } from "node:perf_hooks";
import { sleep } from "#shared/sleep.ts";

/** A token bucket: `burst` at once, then `rate` a second. A rate of 0 is no limit. `now` is monotonic, in ms. */
export interface TokenBucket {
  /** Takes a token, of those to come if there is none, and returns how long to wait for it, in ms. Never refuses. */
  take(now: number): number;
  /** Takes a token that is there; otherwise takes none and returns false. */
  tryTake(now: number): boolean;
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
    tryTake(now) {
      if (ratePerSecond === 0) return true;
      refill(now);
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

/** Resolves when one more connection to WhatsApp may be opened, so that a start with many channels is no stampede: `burst` at once. */
export function createThrottle(perSecond: number, burst: number, signal: AbortSignal): () => Promise<void> {
  const bucket = createTokenBucket(perSecond, burst);
  return () => sleep(bucket.take(performance.now()), signal);
}
