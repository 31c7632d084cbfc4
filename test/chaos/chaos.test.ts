import { expect, test } from "vitest";
import { runChaos } from "./run.ts";

/** Fewer of everything, for half a minute: enough for a kill, a takeover's beginning and a few other faults. */
const small = {
  seed: 19,
  durationMs: 30_000,
  channels: 4,
  connectors: 2,
  functions: 1,
  rates: { http: 0.4, database: 0.4, inbound: 0.6 },
  electionTimeoutMs: 2_000,
  settleMs: 60_000,
};

test("half a minute of damage breaks no promise", { timeout: 240_000 }, async () => {
  const said: string[] = [];
  const rows = await runChaos({
    ...small,
    signal: new AbortController().signal,
    say: (line) => void said.push(line),
    tick: () => undefined,
  });
  // Times are measured by the long run, on a machine of its own.
  const counted = rows.filter(({ promise }) => promise !== "fail-over");
  expect(
    counted.filter(({ broken }) => broken.length > 0),
    said.join("\n"),
  ).toEqual([]);
  expect(rows.find(({ promise }) => promise.startsWith("every accepted"))?.counted).toMatch(/^\d{2}/);
});
