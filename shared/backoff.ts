/** Growing pauses between attempts, with jitter. */

/** The first pause is at most `baseMs`, and no pause exceeds `maxMs`. */
export interface Backoff {
  baseMs: number;
  maxMs: number;
}

/**
 * The pause before retry `attempt` (0 = the first), in ms. Full jitter with a floor: a random value between a tenth and
 * the whole of the base doubled `attempt` times, so that many channels do not return at the same moment.
 * `random` is in [0, 1).
 */
export function backoffMs({ baseMs, maxMs }: Backoff, attempt: number, random: number): number {
  const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceilingMs * (0.1 + 0.9 * random));
}
