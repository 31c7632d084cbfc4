import { expect, test } from "vitest";
import { faultTable } from "#infra/sandbox/admin/fault-table.ts";
import { defaultRates, planFaults, scheduledFaults } from "#infra/sandbox/faults/schedule.ts";

const targets = ["15550000001", "15550000002", "15550000003"];
const everything = Object.fromEntries(scheduledFaults.map((fault) => [fault, 30]));

test("the same seed gives the same schedule, a different seed a different one", () => {
  const options = { seconds: 120, targets };
  expect(planFaults({ ...options, seed: 7 })).toEqual(planFaults({ ...options, seed: 7 }));
  expect(planFaults({ ...options, seed: 7 })).not.toEqual(planFaults({ ...options, seed: 8 }));
});

test("every planned fault is one of the API's, with valid arguments", () => {
  const plan = planFaults({ seed: 1, seconds: 300, targets, rates: everything });
  expect(new Set(plan.map(({ fault }) => fault))).toEqual(new Set(scheduledFaults));
  for (const { fault, arguments: input } of plan) {
    expect(faultTable[fault]?.schema.safeParse(input).error, fault).toBeUndefined();
  }
});

test("a schedule is chronological, stays within its time and hits every target", () => {
  const plan = planFaults({ seed: 3, seconds: 300, targets });
  const times = plan.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
  expect(times.every((atMs) => atMs > 0 && atMs <= 300_000)).toBe(true);
  expect(new Set(plan.map(({ arguments: input }) => input.target).filter(Boolean))).toEqual(new Set(targets));
});

test("a rate is the average number of faults per minute, and 0 means none", () => {
  const plan = planFaults({ seed: 5, seconds: 60 * 60, targets, rates: { drop: 10, replace: 0 } });
  expect(new Set(plan.map(({ fault }) => fault))).toEqual(new Set(["drop"]));
  expect(plan.length).toBeGreaterThan(500);
  expect(plan.length).toBeLessThan(700);
});

test("changing the rate of one fault does not move the others", () => {
  const others = (rates: object) =>
    planFaults({ seed: 5, seconds: 300, targets, rates }).filter(({ fault }) => fault !== "drop");
  expect(others({ ...defaultRates, drop: 40 })).toEqual(others(defaultRates));
});

test("every lasting fault ends within the time, for the same target", () => {
  const plan = planFaults({ seed: 9, seconds: 60, targets, rates: everything });
  const lasting = plan.filter(({ isMend }) => isMend);
  expect(new Set(lasting.map(({ fault }) => fault))).toEqual(
    new Set(["silence", "refuse-upgrade", "ack-delay", "withhold-acks", "receipts"]),
  );
  for (const mend of lasting) {
    const begun = plan.filter(
      (one) => !one.isMend && one.fault === mend.fault && one.arguments.target === mend.arguments.target,
    );
    expect(begun.some(({ atMs }) => atMs <= mend.atMs)).toBe(true);
  }
});

test("a schedule without targets is empty", () => {
  expect(planFaults({ seed: 1, seconds: 60, targets: [] })).toEqual([]);
});
