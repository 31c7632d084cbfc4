import { expect, test } from "vitest";
import { createDiscards } from "#connector/auth/discards.ts";

/** Discards whose lots end when the test resolves them. */
function gatedDiscards(stored: () => Promise<void> = async () => undefined) {
  const lots: { rows: readonly string[]; done: PromiseWithResolvers<void> }[] = [];
  const discards = createDiscards({
    stored,
    async remove(rows) {
      const done = Promise.withResolvers<void>();
      lots.push({ rows, done });
      await done.promise;
    },
  });
  return { discards, lots };
}

test("rows that are added while others are being deleted are the next lot", async () => {
  const { discards, lots } = gatedDiscards();
  const first = discards.add(["a"]);
  await expect.poll(() => lots.length).toBe(1);
  const second = Promise.all([discards.add(["b"]), discards.add(["c"])]);
  lots[0]?.done.resolve();
  await expect.poll(() => lots.length).toBe(2);
  lots[1]?.done.resolve();
  await Promise.all([first, second]);
  expect(lots.map(({ rows }) => rows)).toEqual([["a"], ["b", "c"]]);
});

test("a row counts as deleted until it is, also when that fails", async () => {
  const { discards, lots } = gatedDiscards();
  const deleted = discards.add(["a"]);
  expect([discards.has("a"), discards.has("b")]).toEqual([true, false]);
  await expect.poll(() => lots.length).toBe(1);
  expect(discards.has("a")).toBe(true);
  lots[0]?.done.reject(new Error("unreachable"));
  await deleted;
  expect(discards.has("a")).toBe(false);
});

test("a row is deleted after the writes before it, and not at all if those fail", async () => {
  const stored = Promise.withResolvers<void>();
  const { discards, lots } = gatedDiscards(() => stored.promise);
  const deleted = discards.add(["a"]);
  const idle = discards.idle();
  expect(lots).toEqual([]);
  stored.reject(new Error("lost"));
  await Promise.all([deleted, idle]);
  expect(lots).toEqual([]);
});
