import type { Facts, Outcome } from "../facts.ts";

/** One promise, what was counted for it, and whatever broke it. */
export interface Row {
  promise: string;
  counted: string;
  broken: Broken[];
}

/** Something that must not be; with what a trace needs. */
export interface Broken {
  what: string;
  /** Around which moment to look, milliseconds since 1970. */
  at: number;
  outcome?: Outcome;
  /** Whatever else belongs to it. */
  about?: unknown;
}

/** Counts one promise. Pure: all it knows is in the facts. */
export type Judge = (facts: Facts) => Row;
