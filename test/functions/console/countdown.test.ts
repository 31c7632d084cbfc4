import { expect, test } from "vitest";
import { createClock, durationText, secondsUntil } from "#functions/console/countdown.ts";

test("`secondsUntil` counts whole seconds down to zero and never below", () => {
  const at = "2026-01-15T10:30:20.000Z";
  const end = Date.parse(at);
  expect(secondsUntil(at, end - 20_000)).toBe(20);
  expect(secondsUntil(at, end - 19_001)).toBe(20);
  expect(secondsUntil(at, end - 1)).toBe(1);
  expect(secondsUntil(at, end)).toBe(0);
  expect(secondsUntil(at, end + 5_000)).toBe(0);
});

test("`secondsUntil` is 0 for an invalid time", () => {
  expect(secondsUntil("soon", 0)).toBe(0);
});

test("durations have at most two units", () => {
  expect(durationText(0)).toBe("0 s");
  expect(durationText(59)).toBe("59 s");
  expect(durationText(60)).toBe("1 min");
  expect(durationText(125)).toBe("2 min 5 s");
  expect(durationText(3600)).toBe("1 h");
  expect(durationText(12_059)).toBe("3 h 20 min");
});

test("the clock follows the server when the browser's clock is wrong", () => {
  const clock = createClock(() => 1_000_000);
  clock.sync(1_600_000);
  expect(clock.now()).toBe(1_600_000);
});

test("the clock ignores differences within latency and rounding, and responses without a date", () => {
  const clock = createClock(() => 1_000_000);
  clock.sync(998_500);
  expect(clock.now()).toBe(1_000_000);
  clock.sync(null);
  expect(clock.now()).toBe(1_000_000);
});

test("the clock drops its correction once the browser's clock is right again", () => {
  const clock = createClock(() => 1_000_000);
  clock.sync(1_600_000);
  clock.sync(1_000_400);
  expect(clock.now()).toBe(1_000_000);
});
