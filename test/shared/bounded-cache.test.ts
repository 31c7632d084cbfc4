import { LRUCache } from "lru-cache";
import { expect, test } from "vitest";
import { createBoundedCache } from "#shared/bounded-cache.ts";

test("a bounded cache keeps as many entries as it may, those that were used last", () => {
  const cache = createBoundedCache<number>(5_000);
  for (let entry = 0; entry < 12_000; entry++) {
    cache.set(`${entry}`, entry);
    cache.get("0");
  }
  expect([cache.size, cache.get("0"), cache.get("7000"), cache.get("11999")]).toEqual([
    5_000,
    0,
    undefined,
    11_999,
  ]);
});

test("an entry that is set again counts once", () => {
  const cache = createBoundedCache<number>(2);
  for (const value of [1, 2, 3]) cache.set("a", value);
  cache.set("b", 1);
  expect([cache.get("a"), cache.get("b")]).toEqual([3, 1]);
});

test("an empty cache has no slots, with or without a time to live", () => {
  for (const options of [{}, { ttl: 60_000, updateAgeOnGet: true }]) {
    const { keyList, valList, next, prev, sizes, ttls, starts } = LRUCache.unsafeExposeInternals(
      createBoundedCache(5_000, options),
    );
    const lists = [keyList, valList, next, prev, sizes, ttls ?? [], starts ?? []];
    expect(lists.map((list) => list?.length)).toEqual(lists.map(() => 0));
  }
});

test("a bounded cache has the time to live that it is given", () => {
  const { ttl, updateAgeOnGet } = createBoundedCache(1, { ttl: 1_000, updateAgeOnGet: true });
  expect([ttl, updateAgeOnGet]).toEqual([1_000, true]);
});
