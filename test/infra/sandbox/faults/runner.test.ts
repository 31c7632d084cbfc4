import { expect, test } from "vitest";
import { runFaults } from "#infra/sandbox/faults/runner.ts";
import type { PlannedFault } from "#infra/sandbox/faults/schedule.ts";

const silence = (atMs: number, on: boolean): PlannedFault => ({
  atMs,
  fault: "silence",
  arguments: { target: "15550000001", on },
  isMend: !on,
});
const drop = (atMs: number): PlannedFault => ({
  atMs,
  fault: "drop",
  arguments: { target: "15550000001" },
  isMend: false,
});
const never = new AbortController().signal;

test("planned faults are applied in order, none before its time, and reported", async () => {
  const applied: string[] = [];
  const report = await runFaults(
    [drop(5), silence(10, true), silence(30, false)],
    (fault) => void applied.push(fault),
    never,
  );
  expect(applied).toEqual(["drop", "silence", "silence"]);
  for (const { atMs, appliedAtMs } of report) expect(appliedAtMs).toBeGreaterThanOrEqual(atMs - 1);
});

test("a fault that fails is reported, and does not stop the others", async () => {
  const report = await runFaults(
    [drop(1), drop(2)],
    () => {
      throw new Error("nobody is there");
    },
    never,
  );
  expect(report).toMatchObject([{ error: "nobody is there" }, { error: "nobody is there" }]);
});

test("an aborted run ends its active faults and applies no more", async () => {
  const stop = new AbortController();
  const hour = 3_600_000;
  const plan = [
    silence(1, true),
    drop(hour),
    silence(hour, false),
    { ...silence(hour, false), arguments: { target: "all" } },
  ];
  const report = await runFaults(plan, () => stop.abort(), stop.signal);
  expect(report.map(({ fault, arguments: input }) => [fault, input])).toEqual([
    ["silence", { target: "15550000001", on: true }],
    ["silence", { target: "15550000001", on: false }],
  ]);
});
