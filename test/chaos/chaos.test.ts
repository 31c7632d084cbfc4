import { expect, test } from "vitest";
import { node } from "../support/runtime.ts";
import { runChaos } from "./run.ts";

/** A small system: in 20 s the primary steps down, a connector restarts under another name, and connections drop. */
const small = {
  seed: 2_289,
  durationMs: 20_000,
  channels: 4,
  connectors: 2,
  connectorRuntime: node,
  functions: 1,
  rates: { http: 0.4, database: 0.4, inbound: 0.6 },
  unlinkingsPerSecond: 0.25,
  electionTimeoutMs: 2_000,
  drainMs: 60_000,
};

test("faults of three kinds break no promise", { timeout: 240_000 }, async () => {
  const output: string[] = [];
  const results = await runChaos({
    ...small,
    signal: new AbortController().signal,
    say: (line) => void output.push(line),
    tick: () => undefined,
  });
  // Only the long run, on a machine of its own, measures times.
  const counted = results.filter(({ promise }) => promise !== "fail-over");
  expect(
    counted.filter(({ violations }) => violations.length > 0),
    output.join("\n"),
  ).toEqual([]);
  expect(results.find(({ promise }) => promise.startsWith("every accepted"))?.counted).toMatch(/^\d{2}/);
});
