import { expect, test } from "vitest";
import { hostileClientFuzzer } from "./hostile-client.fuzzer.ts";
import { summary } from "./run-cases.ts";

test("random packets and requests of a hostile client leave the memory bounded, and a good client served", {
  timeout: 120_000,
}, async () => {
  const lines: string[] = [];
  const counts = await hostileClientFuzzer.run({
    seed: 1,
    budget: { casesMax: 25, msMax: 15_000 },
    report: (line) => void lines.push(line),
    signal: new AbortController().signal,
  });
  expect(summary(counts), lines.join("\n")).toMatch(/^\d+ passed, 0 failed$/);
  process.stdout.write(`${lines.at(-1)}\n`);
  expect(counts.passed).toBeGreaterThan(0);
});
