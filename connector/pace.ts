/** A token bucket: `burst` at once, then `rate` a second. Delays, never refuses. A rate of 0 is no limit. */
export interface Pace {
  /** Takes a token and returns how long to wait for it, in ms. `now` is monotonic, in ms. */
  take(now: number): number;
}

export function createPace(ratePerSecond: number, burst: number): Pace {
  let tokens = burst;
  let at = Number.NEGATIVE_INFINITY;
  return {
    take(now) {
      if (ratePerSecond === 0) return 0;
      const elapsedMs = Math.max(0, now - at);
      tokens = Math.min(burst, tokens + (elapsedMs * ratePerSecond) / 1_000);
      at = Math.max(at, now);
      tokens -= 1;
      return tokens >= 0 ? 0 : Math.ceil((-tokens * 1_000) / ratePerSecond);
    },
  };
}
