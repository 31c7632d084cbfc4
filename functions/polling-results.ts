import { alarm } from "./alarm.ts";
import type { Outcome, ReadOutcome, ResultWaiter } from "./results.ts";

export interface PollingOptions {
  /** Milliseconds between looks; the last one repeats. */
  pausesMs: readonly number[];
  /** Called for a command that is waited for; `ring` cuts the present pause short. Returns how to stop listening. */
  listen?: (commandId: string, ring: () => void) => () => void;
}

const serverlessPausesMs = [50, 100, 200, 400];

/** Looks at the command again and again: works on any runtime, keeps nothing open between requests. */
export function pollingResults(
  read: ReadOutcome,
  { pausesMs, listen }: PollingOptions = { pausesMs: serverlessPausesMs },
): ResultWaiter {
  const look = (commandId: string): Promise<Outcome | null> => read(commandId).catch(() => null);
  return {
    async wait(commandId, waitMs, signal) {
      const until = performance.now() + waitMs;
      const { ring, pause } = alarm();
      const hangUp = listen?.(commandId, ring);
      signal.addEventListener("abort", ring, { once: true });
      try {
        for (let attempt = 0; ; attempt++) {
          const outcome = await look(commandId);
          const leftMs = until - performance.now();
          if (outcome || leftMs <= 0 || signal.aborted) return outcome;
          await pause(Math.min(leftMs, pausesMs[attempt] ?? pausesMs.at(-1) ?? leftMs));
        }
      } finally {
        hangUp?.();
        signal.removeEventListener("abort", ring);
      }
    },
  };
}
