/** How pauses between attempts grow. */
export interface Backoff {
  baseMs: number;
  maxMs: number;
}

/**
 * How long to wait before attempt `attempt` (0 = the first retry), in ms. Full jitter with a floor of a tenth:
 * anything from a tenth to the whole of the doubled base, so that many channels do not come back together.
 * `random` is in [0, 1).
 */
export function backoffMs({ baseMs, maxMs }: Backoff, attempt: number, random: number): number {
  const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceilingMs * (0.1 + 0.9 * random));
}
