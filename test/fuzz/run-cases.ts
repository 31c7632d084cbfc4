import { setTimeout as delay } from "node:timers/promises";
import { seeded } from "../chaos/random.ts";
import type { FuzzCase, FuzzCounts, FuzzOptions } from "./fuzzer.ts";

/** A case that has not ended after this counts as failed. */
const caseMsMax = 60_000;
const reportEveryMs = 5_000;
/** After so many failures, further ones say nothing new. */
const failuresMax = 20;

/** Runs one case after the other until the budget is spent, the signal aborts, or too many have failed. */
export async function runCases(options: FuzzOptions, attack: FuzzCase): Promise<FuzzCounts> {
  const { seed, first = 0, budget, report, signal } = options;
  const counts: FuzzCounts = { passed: 0, failures: [] };
  const startedAt = performance.now();
  let reportedAt = startedAt;
  for (let number = first; number < first + budget.casesMax && !signal.aborted; number++) {
    const now = performance.now();
    if (now - startedAt >= budget.msMax || counts.failures.length >= failuresMax) break;
    if (now - reportedAt >= reportEveryMs) {
      reportedAt = now;
      report(`… ${summary(counts)}`);
    }
    try {
      await inTime(attack(seeded(caseSeed(seed, number)), number));
      counts.passed++;
    } catch (error) {
      counts.failures.push({ case: number, error });
      const why = error instanceof Error ? error.stack : String(error);
      report(`case ${number} failed; repeat it with --seed ${seed} --first ${number} --cases 1\n${why}`);
    }
  }
  return counts;
}

/** `2 passed, 1 failed` */
export function summary({ passed, failures }: FuzzCounts): string {
  return `${passed} passed, ${failures.length} failed`;
}

/** Spreads neighbouring cases of neighbouring seeds apart. */
function caseSeed(seed: number, number: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
}

async function inTime(running: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = delay(caseMsMax, undefined, { signal: over.signal }).then(() => {
    throw new Error(`the case has not ended after ${caseMsMax} ms`);
  });
  try {
    await Promise.race([running, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}
