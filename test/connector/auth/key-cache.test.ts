import { expect, test } from "vitest";
import { createKeyCache } from "#connector/auth/key-cache.ts";

test("the cache distinguishes an absent row from an unknown one", () => {
  const cache = createKeyCache();
  cache.set("a", "text");
  cache.set("b", null);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["text", null, undefined]);
  cache.clear();
  expect(cache.get("a")).toBeUndefined();
});

test("the cache holds at most 2,000 rows, the most recently used", () => {
  const cache = createKeyCache();
  for (let row = 0; row <= 2_000; row++) cache.set(`${row}`, "x");
  expect(cache.get("0")).toBeUndefined();
  expect(cache.get("1")).toBe("x");
});

test("setting a row too large for the cache drops its old value too", () => {
  const cache = createKeyCache();
  cache.set("a", "old");
  cache.set("a", "x".repeat(9 * 1024 * 1024));
  expect(cache.get("a")).toBeUndefined();
});
