import { expect, test } from "vitest";
import { node } from "../support/runtime.ts";
import { runChaos } from "./run.ts";

/** A small system for half a minute: enough for a kill, the start of a takeover and a few other faults. */
const small = {
  seed: 19,
  durationMs: 30_000,
  channels: 4,
  connectors: 2,
  connectorRuntime: node,
  functions: 1,
  rates: { http: 0.4, database: 0.4, inbound: 0.6 },
  unlinkingsPerSecond: 0.25,
  electionTimeoutMs: 2_000,
  drainMs: 60_000,
};

test("half a minute of faults breaks no promise", { timeout: 240_000 }, async () => {
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
