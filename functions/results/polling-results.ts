import { pollUntil } from "./poll-until.ts";
import type { CommandOutcome, ReadCommandOutcome, ResultWaiter } from "./results.ts";

export interface PollingOptions {
  /** Milliseconds between looks; the last one repeats. */
  pausesMs: readonly number[];
  /** Called for a command that is waited for; `ring` cuts the present pause short. Returns how to stop listening. */
  listen?: (commandId: string, ring: () => void) => () => void;
}

const serverlessPausesMs = [50, 100, 200, 400];

/** Looks at the command again and again: works on any runtime, keeps nothing open between requests. */
export function pollingResults(
  read: ReadCommandOutcome,
  { pausesMs, listen }: PollingOptions = { pausesMs: serverlessPausesMs },
): ResultWaiter {
  const look = (commandId: string): Promise<CommandOutcome | null> => read(commandId).catch(() => null);
  return {
    wait: (commandId, waitMs, signal) =>
      pollUntil(() => look(commandId), {
        waitMs,
        signal,
        pausesMs,
        listen: listen && ((ring) => listen(commandId, ring)),
      }),
    look,
  };
}
