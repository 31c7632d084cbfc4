/** Offsets below this come from the one-second granularity of the `Date` header and from latency. */
const offsetIgnoredMs = 3_000;

/** Estimates the server's time: expiries use the server's clock, and the browser's may be wrong. */
export function createClock(now: () => number) {
  let offset = 0;
  return {
    now: () => now() + offset,
    /** Takes the server's time from a response, in milliseconds; null if it had none. */
    sync(serverTime: number | null): void {
      if (serverTime === null) return;
      const difference = serverTime - now();
      offset = Math.abs(difference) < offsetIgnoredMs ? 0 : difference;
    },
  };
}

export type Clock = ReturnType<typeof createClock>;

/** Whole seconds until `at` (RFC 3339), at least 0; 0 for an invalid time. */
export function secondsUntil(at: string, now: number): number {
  const milliseconds = Date.parse(at) - now;
  return milliseconds > 0 ? Math.ceil(milliseconds / 1000) : 0;
}

/** `42 s`, `2 min 5 s`, `3 h 20 min`. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return joined(seconds, 60, "min", 1, "s");
  return joined(seconds, 3600, "h", 60, "min");
}

function joined(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ""}`;
}
