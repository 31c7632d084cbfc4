import fc from "fast-check";
import { expect, test } from "vitest";
import { faultKinds, type PlannedFault, planFaults, plans, quietMsOf } from "./schedule.ts";

const anySeed = fc.nat(1_000_000);
const anyDuration = fc.integer({ min: 20_000, max: 900_000 });
const quietOf = ({ kind }: PlannedFault) => quietMsOf(kind);

test("a seed always gives the same schedule, and another seed a different one", () => {
  fc.assert(
    fc.property(anySeed, anyDuration, (seed, durationMs) => {
      expect(planFaults(seed, durationMs)).toEqual(planFaults(seed, durationMs));
    }),
  );
  expect(planFaults(1, 600_000)).not.toEqual(planFaults(2, 600_000));
});

test("every fault starts within the run, in order, and lasts as long as its kind allows", () => {
  fc.assert(
    fc.property(anySeed, anyDuration, (seed, durationMs) => {
      const planned = planFaults(seed, durationMs);
      expect(planned.map(({ at }) => at)).toEqual(planned.map(({ at }) => at).toSorted((a, b) => a - b));
      for (const { at, kind, lastsMs } of planned) {
        const [from, to] = plans[kind].lasts;
        expect(at).toBeLessThan(durationMs);
        expect(lastsMs).toBeGreaterThanOrEqual(from);
        expect(lastsMs).toBeLessThanOrEqual(to);
      }
    }),
  );
});

test("no other fault is active during the quiet period of a measured fault", () => {
  fc.assert(
    fc.property(anySeed, anyDuration, (seed, durationMs) => {
      const planned = planFaults(seed, durationMs);
      for (const measured of planned.filter((fault) => quietOf(fault) > 0)) {
        const others = planned.filter((fault) => fault !== measured);
        const until = measured.at + quietOf(measured);
        const overlapping = others.filter(
          ({ at, lastsMs }) => at + lastsMs > measured.at && at < until && at + lastsMs >= measured.at,
        );
        expect(overlapping).toEqual([]);
      }
    }),
  );
});

test("a schedule of ten minutes has every kind of fault, and each measured kind at least twice", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const planned = planFaults(seed, 600_000);
    expect(new Set(planned.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
    for (const kind of faultKinds.filter((each) => quietMsOf(each) > 0))
      expect(planned.filter((fault) => fault.kind === kind).length).toBeGreaterThanOrEqual(2);
  }
});
