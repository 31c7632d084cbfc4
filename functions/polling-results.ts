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
      const over = Promise.withResolvers<null>();
      const { ring, pause } = alarm();
      let isOver = signal.aborted;
      const end = () => {
        isOver = true;
        over.resolve(null);
        ring();
      };
      const timer = setTimeout(end, waitMs);
      signal.addEventListener("abort", end, { once: true });
      const hangUp = listen?.(commandId, ring);
      const lookUntilOver = async () => {
        for (let attempt = 0; !isOver; attempt++) {
          const outcome = await look(commandId);
          if (outcome) return outcome;
          if (!isOver) await pause(pausesMs[attempt] ?? pausesMs.at(-1) ?? waitMs);
        }
        return null;
      };
      try {
        // A look that hangs, because the database does, does not make the wait any longer.
        return await Promise.race([lookUntilOver(), over.promise]);
      } finally {
        isOver = true;
        ring();
        hangUp?.();
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
      }
    },
  };
}
