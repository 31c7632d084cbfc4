import { expect, test } from "vitest";
import { createRequestKeys } from "#functions/console/request-keys.ts";

test("the same request has the same key until it is settled, another request another", () => {
  const keys = createRequestKeys();
  const key = keys.keyOf("a");
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect([keys.keyOf("a"), keys.keyOf("b") === key]).toEqual([key, false]);
  keys.settle("a");
  expect(keys.keyOf("a")).not.toBe(key);
});

test("after ten minutes the same text is another request", () => {
  let now = 0;
  const keys = createRequestKeys(() => now);
  const key = keys.keyOf("a");
  now = 10 * 60_000 - 1;
  expect(keys.keyOf("a")).toBe(key);
  now = 10 * 60_000;
  expect(keys.keyOf("a")).not.toBe(key);
});

test("only the 50 latest requests are remembered", () => {
  const keys = createRequestKeys();
  const first = keys.keyOf("first");
  const second = keys.keyOf("second");
  for (let other = 0; other < 49; other++) keys.keyOf(`${other}`);
  expect([keys.keyOf("second") === second, keys.keyOf("first") === first]).toEqual([true, false]);
});
