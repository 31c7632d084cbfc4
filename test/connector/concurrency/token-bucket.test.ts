import { createHook } from "node:async_hooks";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createThrottle, createTokenBucket, waitForToken } from "#connector/concurrency/token-bucket.ts";

const rates = fc.integer({ min: 1, max: 1_000 });
const bursts = fc.integer({ min: 1, max: 50 });
/** The pauses between takes, in ms. */
const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 100 });

/** When each taker may go on, in ms. */
function dueTimes(rate: number, burst: number, pauses: readonly number[]): number[] {
  const bucket = createTokenBucket(rate, burst);
  let now = 5_000;
  return pauses.map((pause) => {
    now += pause;
    return now + bucket.take(now);
  });
}

test("no period lets through more than the burst and its share of the rate", () => {
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

test("callers proceed in the order of their arrival", () => {
  fc.assert(
    fc.property(rates, bursts, gaps, (rate, burst, pauses) => {
      const due = dueTimes(rate, burst, pauses);
      expect(due).toEqual(due.toSorted((a, b) => a - b));
    }),
  );
});

test("a taker that keeps to the rate never waits", () => {
  fc.assert(
    fc.property(rates, bursts, fc.integer({ min: 1, max: 50 }), (rate, burst, count) => {
      const pauseMs = Math.ceil(1_000 / rate);
      const bucket = createTokenBucket(rate, burst);
      const waits = Array.from({ length: count }, (_, index) => bucket.take(index * pauseMs));
      expect(waits).toEqual(waits.map(() => 0));
    }),
  );
});

test("a burst goes at once, later takers at the rate", () => {
  expect(dueTimes(5, 3, [0, 0, 0, 0, 0, 0])).toEqual([5_000, 5_000, 5_000, 5_200, 5_400, 5_600]);
});

test("a rate of 0 means no limit for `take`", () => {
  expect(
    dueTimes(
      0,
      1,
      Array.from({ length: 100 }, () => 0),
    ),
  ).toEqual(Array.from({ length: 100 }, () => 5_000));
});

test("a clock that goes backwards adds no tokens", () => {
  const bucket = createTokenBucket(1, 1);
  expect([bucket.take(10_000), bucket.take(4_000), bucket.take(10_000)]).toEqual([0, 1_000, 2_000]);
});

test("`tryTake` grants the burst, then the rate, and never more than the burst at once", () => {
  const bucket = createTokenBucket(2, 3);
  const takes = [0, 0, 0, 0, 499, 500, 500, 999, 1_000].map((now) => bucket.tryTake(now));
  expect(takes).toEqual([true, true, true, false, false, true, false, false, true]);
  expect([1, 2, 3, 4].map(() => bucket.tryTake(60_000))).toEqual([true, true, true, false]);
});

test("`tryTake` takes several tokens at once, or none of them", () => {
  const bucket = createTokenBucket(1, 10);
  expect([bucket.tryTake(0, 7), bucket.tryTake(0, 4), bucket.tryTake(0, 3)]).toEqual([true, false, true]);
});

test("a rate of 0 means no limit for `tryTake`", () => {
  const bucket = createTokenBucket(0, 1);
  expect([1, 2, 3].map(() => bucket.tryTake(0))).toEqual([true, true, true]);
});

test("a throttle lets the burst through at once and delays the next caller", async () => {
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

test("a throttle delays no caller once its signal has aborted", async () => {
  const turn = createThrottle(0.001, 1, AbortSignal.abort());
  for (let time = 0; time < 5; time++) await turn();
});

test("a token that is there is taken without a timer", async () => {
  const timers = new Set<number>();
  const hook = createHook({
    init: (id, type) => void (type === "Timeout" && timers.add(id)),
  });
  const { signal } = new AbortController();
  const bucket = createTokenBucket(1, 2);
  hook.enable();
  await waitForToken(bucket, [signal]);
  await waitForToken(bucket, [signal]);
  await waitForToken(createTokenBucket(0, 1), [signal]);
  hook.disable();
  expect(timers.size).toBe(0);
});

test("a token that is not there is waited for, until a signal aborts", async () => {
  const stopping = new AbortController();
  const bucket = createTokenBucket(0.001, 1);
  await waitForToken(bucket, [stopping.signal]);
  const waiting = waitForToken(bucket, [new AbortController().signal, stopping.signal]);
  expect(
    await Promise.race([waiting.then(() => "taken"), new Promise((resolve) => setImmediate(resolve))]),
  ).toBe(undefined);
  stopping.abort();
  await waiting;
});
