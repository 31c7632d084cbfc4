/** What a step of the demo shows beside its time. */
type Shown = string | undefined;

export interface Steps {
  /** Runs one step, prints its line, and passes on what it found. A step that fails ends the demo. */
  run<T>(what: string, step: () => Promise<T>, show?: (found: T) => Shown): Promise<T>;
}

export interface Terminal {
  write(text: string): unknown;
}

/** The step that failed, in its own words. */
export class StepError extends Error {
  override readonly name = "StepError";
  constructor(what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const width = 52;

/** One line per step: what it was, how long it took, what came of it. */
export function printedSteps(terminal: Terminal, now: () => number = () => performance.now()): Steps {
  return {
    async run(what, step, show = () => undefined) {
      const began = now();
      try {
        const found = await step();
        const took = `${Math.round(now() - began)} ms`.padStart(8);
        terminal.write(`  ✓ ${what.padEnd(width)} ${took}  ${show(found) ?? ""}\n`);
        return found;
      } catch (error) {
        terminal.write(`  ✗ ${what.padEnd(width)} ${`${Math.round(now() - began)} ms`.padStart(8)}\n`);
        throw new StepError(what, error);
      }
    },
  };
}
