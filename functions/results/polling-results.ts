import { pollUntil } from "./poll-until.ts";
import type { CommandOutcome, ReadCommandOutcome, ResultWaiter } from "./results.ts";

export interface PollingOptions {
  /** Milliseconds between reads; the last one repeats. */
  pausesMs: readonly number[];
  /** Listens for the end of a command; `ring` cuts the current pause short. Returns a function that stops listening. */
  listen?: (commandId: string, ring: () => void) => () => void;
}

const serverlessPausesMs = [50, 100, 200, 400];

/** Polls the command. Works on any runtime, because it keeps nothing open between requests. */
export function pollingResults(
  readOutcome: ReadCommandOutcome,
  { pausesMs, listen }: PollingOptions = { pausesMs: serverlessPausesMs },
): ResultWaiter {
  const read = (commandId: string): Promise<CommandOutcome | null> =>
    readOutcome(commandId).catch(() => null);
  return {
    wait: (commandId, waitMs, signal) =>
      pollUntil(() => read(commandId), {
        waitMs,
        signal,
        pausesMs,
        listen: listen && ((ring) => listen(commandId, ring)),
      }),
    read,
  };
}
