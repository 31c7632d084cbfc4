import { setTimeout } from "node:timers/promises";

/** Waits, or returns early when `signal` aborts; never throws. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { ref: true, ...(signal ? { signal } : {}) }).catch(() => undefined);
}
