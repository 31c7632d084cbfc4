import { setTimeout as delay } from "node:timers/promises";

/** How long to keep looking, and how often, in milliseconds. */
export type Patience = { withinMs?: number; everyMs?: number };

/**
 * Looks again and again until `look` gives something (anything but `undefined`, `null` or `false`), and returns it.
 * A look that throws, a failed expectation among them, is one that has not succeeded yet.
 * @throws what the last look threw, or that it never came, after `withinMs` (10 s)
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 20 }: Patience = {},
): Promise<Exclude<T, undefined | null | false>> {
  let failure: unknown;
  for (const until = performance.now() + withinMs; ; ) {
    try {
      const found = await look();
      if (isSomething(found)) return found;
      failure = new Error(`looked for ${withinMs} ms, last saw ${String(found)}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= until) throw failure;
    await delay(everyMs);
  }
}

function isSomething<T>(found: T): found is Exclude<T, undefined | null | false> {
  return found !== undefined && found !== null && found !== false;
}
