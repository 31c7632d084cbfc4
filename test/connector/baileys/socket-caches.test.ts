import { expect, test } from "vitest";
import { createSocketCaches } from "#connector/baileys/socket-caches.ts";

test.each(Object.entries(createSocketCaches()))(
  "%s stores, deletes and flushes entries, and is bounded",
  async (_name, cache) => {
    await cache.set("a", 1);
    await cache.set("b", { list: [] });
    expect(await cache.get("a")).toBe(1);
    await cache.del("a");
    expect(await cache.get("a")).toBeUndefined();
    for (let entry = 0; entry < 10_000; entry++) await cache.set(`${entry}`, entry);
    expect(await cache.get("0")).toBeUndefined();
    expect(await cache.get("9999")).toBe(9_999);
    await cache.flushAll();
    expect(await cache.get("9999")).toBeUndefined();
  },
);
