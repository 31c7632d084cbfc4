import fc from "fast-check";
import { expect, test } from "vitest";
import { createThrottle, createTokenBucket } from "#connector/concurrency/token-bucket.ts";

const rates = fc.integer({ min: 1, max: 1_000 });
const bursts = fc.integer({ min: 1, max: 50 });
/** Ms between one take and the next. */
const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 100 });

/** When each take may go on, in ms. */
function dueTimes(rate: number, burst: number, pauses: readonly number[]): number[] {
  const pace = createTokenBucket(rate, burst);
  let now = 5_000;
  return pauses.map((pause) => {
    now += pause;
    return now + pace.take(now);
  });
}

test("no stretch of time lets more through than the burst and its share of the rate", () => {
  fc.assert(
    fc.property(rates, bursts, gaps, (rate, burst, pauses) => {
      const due = dueTimes(rate, burst, pauses);
      for (const [first, from] of due.entries()) {
        for (const [last, to] of due.entries()) {
          if (last < first) continue;
          const allowed = burst + ((to - from + 1) * rate) / 1_000;
          expect(last - first + 1).toBeLessThanOrEqual(Math.floor(allowed + 1e-6));
        }
      }
    }),
  );
});

test("who came first may go on first", () => {
  fc.assert(
    fc.property(rates, bursts, gaps, (rate, burst, pauses) => {
      const due = dueTimes(rate, burst, pauses);
      expect(due).toEqual(due.toSorted((a, b) => a - b));
    }),
  );
});

test("nobody waits who asks no more often than the rate allows", () => {
  fc.assert(
    fc.property(rates, bursts, fc.integer({ min: 1, max: 50 }), (rate, burst, count) => {
      const pauseMs = Math.ceil(1_000 / rate);
      const pace = createTokenBucket(rate, burst);
      const waits = Array.from({ length: count }, (_, index) => pace.take(index * pauseMs));
      expect(waits).toEqual(waits.map(() => 0));
    }),
  );
});

test("a burst goes at once, then one after the other", () => {
  expect(dueTimes(5, 3, [0, 0, 0, 0, 0, 0])).toEqual([5_000, 5_000, 5_000, 5_200, 5_400, 5_600]);
});

test("a rate of 0 is no limit", () => {
  expect(
    dueTimes(
      0,
      1,
      Array.from({ length: 100 }, () => 0),
    ),
  ).toEqual(Array.from({ length: 100 }, () => 5_000));
});

test("a clock that goes backwards gives nothing away", () => {
  const pace = createTokenBucket(1, 1);
  expect([pace.take(10_000), pace.take(4_000), pace.take(10_000)]).toEqual([0, 1_000, 2_000]);
});

test("who does not want to wait gets so many at once, then so many a second, never more than at once", () => {
  const pace = createTokenBucket(2, 3);
  const takes = [0, 0, 0, 0, 499, 500, 500, 999, 1_000].map((now) => pace.tryTake(now));
  expect(takes).toEqual([true, true, true, false, false, true, false, false, true]);
  expect([1, 2, 3, 4].map(() => pace.tryTake(60_000))).toEqual([true, true, true, false]);
});

test("nobody is refused without a limit", () => {
  const pace = createTokenBucket(0, 1);
  expect([1, 2, 3].map(() => pace.tryTake(0))).toEqual([true, true, true]);
});

test("as many as the burst allows go at once; the next has to wait for its turn", async () => {
  const stopping = new AbortController();
  const turn = createThrottle(1, 1, stopping.signal);
  await turn();
  let isOver = false;
  const next = turn().then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  stopping.abort();
  await next;
});

test("nobody waits for a turn once everything stops", async () => {
  const turn = createThrottle(0.001, 1, AbortSignal.abort());
  for (let time = 0; time < 5; time++) await turn();
});
