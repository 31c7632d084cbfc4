import { expect, test } from "vitest";
import { documentFuzzer } from "./document.fuzzer.ts";
import { summary } from "./run-cases.ts";

test("random documents in `commands` each end, and hold up no valid command", {
  timeout: 120_000,
}, async () => {
  const lines: string[] = [];
  const counts = await documentFuzzer.run({
    seed: 1,
    budget: { casesMax: 40, msMax: 60_000 },
    report: (line) => void lines.push(line),
    signal: new AbortController().signal,
  });
  expect(summary(counts), lines.join("\n")).toMatch(/^\d+ passed, 0 failed$/);
  expect(counts.passed).toBeGreaterThan(0);
});
