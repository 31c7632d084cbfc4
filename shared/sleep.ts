/** Waits that an `AbortSignal` ends. */

import { setTimeout } from "node:timers/promises";

/** Waits `ms`, or until `signal` aborts; never throws. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}

/** Resolves when `signal` aborts. Use it only with a signal that lives no longer than the code waiting for it. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
