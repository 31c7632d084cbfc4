import { expect, test } from "vitest";
import { createKeyCache } from "#connector/auth/key-cache.ts";

test("it tells what is absent from what is not known", () => {
  const cache = createKeyCache();
  cache.set("a", "text");
  cache.set("b", null);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["text", null, undefined]);
  cache.clear();
  expect(cache.get("a")).toBeUndefined();
});

test("it holds at most 2,000 rows, those used last", () => {
  const cache = createKeyCache();
  for (let row = 0; row <= 2_000; row++) cache.set(`${row}`, "x");
  expect(cache.get("0")).toBeUndefined();
  expect(cache.get("1")).toBe("x");
});

test("a row too large to hold is forgotten rather than kept as it was before", () => {
  const cache = createKeyCache();
  cache.set("a", "old");
  cache.set("a", "x".repeat(9 * 1024 * 1024));
  expect(cache.get("a")).toBeUndefined();
});
