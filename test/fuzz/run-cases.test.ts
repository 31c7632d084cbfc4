import { expect, test } from "vitest";
import type { FuzzCase, FuzzOptions } from "./fuzzer.ts";
import { runCases, summary } from "./run-cases.ts";

const endless = { casesMax: Number.POSITIVE_INFINITY, msMax: Number.POSITIVE_INFINITY };

function run(options: Partial<FuzzOptions>, attack: FuzzCase) {
  const signal = new AbortController().signal;
  return runCases({ seed: 1, budget: endless, report: () => undefined, signal, ...options }, attack);
}

async function inputs(options: Partial<FuzzOptions>): Promise<number[]> {
  const seen: number[] = [];
  await run(options, async (random) => void seen.push(random.next()));
  return seen;
}

test("a seed always makes the same cases, another seed others, and a case can be repeated alone", async () => {
  const budget = { ...endless, casesMax: 20 };
  const cases = await inputs({ seed: 7, budget });
  expect(new Set(cases).size).toBe(20);
  expect(await inputs({ seed: 7, budget })).toEqual(cases);
  expect(await inputs({ seed: 8, budget })).not.toEqual(cases);
  expect(await inputs({ seed: 7, first: 13, budget: { ...endless, casesMax: 1 } })).toEqual([cases[13]]);
});

test("a case that throws is counted and reported with how to repeat it, and the next ones run", async () => {
  const lines: string[] = [];
  const options = {
    seed: 5,
    budget: { ...endless, casesMax: 4 },
    report: (line: string) => void lines.push(line),
  };
  const counts = await run(options, async (_random, number) => {
    if (number === 2) throw new Error("did not hold");
  });
  expect(summary(counts)).toBe("3 passed, 1 failed");
  expect(counts.failures).toMatchObject([{ case: 2, error: { message: "did not hold" } }]);
  expect(lines.join("\n")).toContain("--seed 5 --first 2 --cases 1");
});

test("a run ends when its time is spent, when the signal aborts, and when too many cases have failed", async () => {
  expect(await run({ budget: { ...endless, msMax: 0 } }, async () => undefined)).toMatchObject({ passed: 0 });
  const stopping = new AbortController();
  const stopped = await run({ signal: stopping.signal }, async (_random, number) => {
    if (number === 4) stopping.abort();
  });
  expect(stopped.passed).toBe(5);
  const failed = await run({}, () => Promise.reject(new Error("did not hold")));
  expect(failed.failures).toHaveLength(20);
});
