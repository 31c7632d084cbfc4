import type { Facts, Outcome } from "../facts.ts";

/** One promise, what was counted for it, and its violations. */
export interface CheckResult {
  promise: string;
  counted: string;
  violations: Violation[];
}

/** One violation of a promise, with what the report shows of it. */
export interface Violation {
  what: string;
  /** When it happened, milliseconds since 1970: the report lists the faults around it. */
  at: number;
  outcome?: Outcome;
  /** Further details, printed as JSON. */
  about?: unknown;
}

/** Checks one promise: a pure function of the facts. */
export type Check = (facts: Facts) => CheckResult;
