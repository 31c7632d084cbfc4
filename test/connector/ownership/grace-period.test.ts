import { expect, test } from "vitest";
import { createGracePeriod } from "#connector/ownership/grace-period.ts";

test("a channel is due once, when its grace period since the first note is over", () => {
  const grace = createGracePeriod(5_000);
  grace.note("one", 0);
  grace.note("one", 4_000);
  grace.note("two", 1_000);
  expect(grace.due(4_999)).toEqual([]);
  expect(grace.due(5_000)).toEqual(["one"]);
  expect(grace.due(5_999)).toEqual([]);
  expect(grace.due(6_000)).toEqual(["two"]);
  grace.note("one", 7_000);
  expect(grace.due(11_999)).toEqual([]);
  expect(grace.due(12_000)).toEqual(["one"]);
});

test("at most 10,000 channels are noted", () => {
  const grace = createGracePeriod(0);
  for (let n = 0; n < 10_001; n++) grace.note(`channel-${n}`, 0);
  expect(grace.due(0)).toHaveLength(10_000);
});
