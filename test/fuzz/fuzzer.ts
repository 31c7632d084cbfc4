import type { Random } from "../chaos/random.ts";

/** Attacks the product with random input, and says whether it held. Add yours to `fuzzers.ts`. */
export interface Fuzzer {
  /** The name that `--kind` takes. */
  name: string;
  /** Starts what it attacks, then runs cases with `runCases` until the budget is spent. Rejects if it cannot start. */
  run(options: FuzzOptions): Promise<FuzzCounts>;
}

export interface FuzzOptions {
  /** The same seed makes the same cases, whatever the budget. */
  seed: number;
  /** The number of the first case, to repeat one that failed. */
  first?: number;
  budget: FuzzBudget;
  /** The MongoDB to attack. Absent: a fresh database on the one that all tests share. */
  database?: { uri: string };
  /** Prints a line. */
  report(line: string): void;
  signal: AbortSignal;
}

/** Whichever is spent first ends the run, after the case in progress. */
interface FuzzBudget {
  casesMax: number;
  msMax: number;
}

export interface FuzzCounts {
  passed: number;
  failures: FuzzFailure[];
}

interface FuzzFailure {
  /** Repeat it with `--seed <seed> --first <case> --cases 1`. */
  case: number;
  error: unknown;
}

/** One attack. Throws when the product did not hold. Everything random in it comes from `random`. */
export type FuzzCase = (random: Random, number: number) => Promise<void>;
