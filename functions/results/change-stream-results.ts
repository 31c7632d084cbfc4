import type { ChangeHub } from "#shared/change-hub.ts";
import type { CommandEnd } from "#shared/changes.ts";
import { pollUntil } from "./poll-until.ts";
import type { CommandOutcome, ReadCommandOutcome, ResultWaiter } from "./results.ts";

/** Waiters also poll at these intervals: an end that is not reported costs latency, never a result. */
const pollPausesMs = [1_000, 2_000];

export interface ChangeStreamResultsOptions {
  changes: Pick<ChangeHub, "listen">;
  read: ReadCommandOutcome;
  /** Stops listening. Waits in progress continue by polling. */
  signal: AbortSignal;
}

/** A command whose end somebody waits for, or is about to. */
interface Awaited {
  /** How many expect it before they wait. */
  expecting: number;
  /** Its end, if the last change of it showed that. */
  outcome: CommandOutcome | null;
  /** The stream reported something before anyone waited. */
  isRung: boolean;
  rings: Set<() => void>;
}

/**
 * Waits for what is reported about commands: how one ended, if the change shows it, or else which one to read. Waiters poll as
 * well.
 */
export function changeStreamResults({ changes, read, signal }: ChangeStreamResultsOptions): ResultWaiter {
  const all = new Map<string, Awaited>();
  const readQuietly = (commandId: string) => read(commandId).catch(() => null);
  const awaited = (commandId: string): Awaited => {
    const found = all.get(commandId) ?? { expecting: 0, outcome: null, isRung: false, rings: new Set() };
    all.set(commandId, found);
    return found;
  };
  const forget = (commandId: string, { expecting, rings }: Awaited) => {
    if (expecting === 0 && rings.size === 0) all.delete(commandId);
  };
  const ring = (command: Awaited) => {
    command.isRung = true;
    for (const wake of command.rings) wake();
  };
  changes.listen(
    {
      topics: ["command_ended"],
      // Ends before that were reported to nobody.
      opened: () => [...all.values()].forEach(ring),
      changed({ commandId, end }) {
        const command = all.get(commandId);
        if (!command) return false;
        // An outcome that an earlier change showed is not this one's.
        command.outcome = end && outcomeOf(end);
        ring(command);
        return true;
      },
    },
    signal,
  );
  return {
    read: readQuietly,
    expect(commandId) {
      const command = awaited(commandId);
      command.expecting++;
      return {
        [Symbol.dispose]() {
          command.expecting--;
          forget(commandId, command);
        },
      };
    },
    wait(commandId, waitMs, waitSignal) {
      const command = awaited(commandId);
      const isExpected = command.expecting > 0;
      const isEarly = isExpected && !command.isRung;
      // An end that was reported may be an earlier one of a command that is retried; nobody expects such a command.
      const known = () => (isExpected ? command.outcome : null);
      return pollUntil(async () => known() ?? (await readQuietly(commandId)), {
        ...{ waitMs, signal: waitSignal, pausesMs: pollPausesMs, isEarly },
        listen(wake) {
          command.rings.add(wake);
          return () => {
            command.rings.delete(wake);
            forget(commandId, command);
          };
        },
      });
    },
  };
}

function outcomeOf({ state, result, error }: CommandEnd): CommandOutcome | null {
  if (state === "queued" || state === "running") return null;
  return { state, ...(result && { result }), ...(error && { error }) };
}
