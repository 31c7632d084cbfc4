import { expect, test } from "vitest";
import { createClock, durationText, secondsUntil } from "#functions/console/countdown.ts";

test("counts whole seconds down to zero and never below", () => {
  const at = "2026-01-15T10:30:20.000Z";
  const end = Date.parse(at);
  expect(secondsUntil(at, end - 20_000)).toBe(20);
  expect(secondsUntil(at, end - 19_001)).toBe(20);
  expect(secondsUntil(at, end - 1)).toBe(1);
  expect(secondsUntil(at, end)).toBe(0);
  expect(secondsUntil(at, end + 5_000)).toBe(0);
});

test("a time that cannot be read is over", () => {
  expect(secondsUntil("soon", 0)).toBe(0);
});

test("says durations in at most two units", () => {
  expect(durationText(0)).toBe("0 s");
  expect(durationText(59)).toBe("59 s");
  expect(durationText(60)).toBe("1 min");
  expect(durationText(125)).toBe("2 min 5 s");
  expect(durationText(3600)).toBe("1 h");
  expect(durationText(12_059)).toBe("3 h 20 min");
});

test("follows the server's clock when the browser's is wrong", () => {
  const clock = createClock(() => 1_000_000);
  clock.heard(1_600_000);
  expect(clock.now()).toBe(1_600_000);
});

test("leaves the browser's clock alone for what the way and whole seconds explain, and without a date", () => {
  const clock = createClock(() => 1_000_000);
  clock.heard(998_500);
  expect(clock.now()).toBe(1_000_000);
  clock.heard(null);
  expect(clock.now()).toBe(1_000_000);
});

test("a browser's clock that was set right again is believed again", () => {
  const clock = createClock(() => 1_000_000);
  clock.heard(1_600_000);
  clock.heard(1_000_400);
  expect(clock.now()).toBe(1_000_000);
});
