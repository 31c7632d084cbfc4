export interface Steps {
  /**
   * Runs a step, prints its line, with `show` of the result beside the time, and returns the result. Throws `StepError`
   * when the step or `show` fails.
   */
  run<T>(title: string, step: () => Promise<T>, show?: (result: T) => string | undefined): Promise<T>;
}

export interface Terminal {
  write(text: string): unknown;
}

/** A failed step. The message is its title and the error. */
export class StepError extends Error {
  override readonly name = "StepError";
  constructor(title: string, cause: unknown) {
    super(`${title}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const width = 52;

/** Prints a line per step: its title, its duration and its result. */
export function printedSteps(terminal: Terminal, now: () => number = () => performance.now()): Steps {
  return {
    async run(title, step, show = () => undefined) {
      const startedAt = now();
      try {
        const result = await step();
        const took = `${Math.round(now() - startedAt)} ms`.padStart(8);
        terminal.write(`  ✓ ${title.padEnd(width)} ${took}  ${show(result) ?? ""}\n`);
        return result;
      } catch (error) {
        terminal.write(`  ✗ ${title.padEnd(width)} ${`${Math.round(now() - startedAt)} ms`.padStart(8)}\n`);
        throw new StepError(title, error);
      }
    },
  };
}
