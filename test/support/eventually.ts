import { setTimeout as delay } from "node:timers/promises";

/** How long and how often to poll, in milliseconds. */
export type Patience = { withinMs?: number; everyMs?: number };

/**
 * Polls `check` until it returns anything but `undefined`, `null` or `false`, and resolves with that. Errors, failed
 * expectations included, count as "not yet". Without `everyMs` the pauses grow with the time waited, from 10 to 50 ms,
 * which spares the database most reads of a long wait.
 * @throws after `withinMs` (30 s): the error of the last check, or one that names its last result
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 30_000, everyMs }: Patience = {},
): Promise<Exclude<T, undefined | null | false>> {
  let failure: unknown;
  const startedAt = performance.now();
  for (;;) {
    try {
      const result = await check();
      if (isPresent(result)) return result;
      failure = new Error(`still ${String(result)} after ${withinMs} ms`);
    } catch (error) {
      failure = error;
    }
    const waitedMs = performance.now() - startedAt;
    if (waitedMs >= withinMs) throw failure;
    await delay(everyMs ?? Math.min(50, Math.max(10, waitedMs / 10)));
  }
}

function isPresent<T>(result: T): result is Exclude<T, undefined | null | false> {
  return result !== undefined && result !== null && result !== false;
}
