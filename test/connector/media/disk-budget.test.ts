import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { createDiskBudget, type DiskBudget } from "#connector/media/disk-budget.ts";

const never = new AbortController().signal;

/** Reserves for a channel of its own, and writes to `order` when it is admitted. */
async function reserve(budget: DiskBudget, bytes: number, order: number[]) {
  const reservation = await budget.reserve(randomUUID(), bytes, never);
  order.push(bytes);
  return reservation;
}

test("reservations never exceed the budget, and are admitted in the order in which they came", async () => {
  const budget = createDiskBudget(10);
  const order: number[] = [];
  const first = await reserve(budget, 6, order);
  const large = reserve(budget, 5, order);
  const small = reserve(budget, 1, order);
  await new Promise(setImmediate);
  expect(order).toEqual([6]);
  first.shrink(5);
  const second = await large;
  await new Promise(setImmediate);
  expect(order).toEqual([6, 5]);
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  await small;
  expect(order).toEqual([6, 5, 1]);
  // 5 and 1 are taken: twice given back counts once.
  await reserve(budget, 4, order);
  await expect(createDiskBudget(4, { waitMs: 20 }).reserve("a", 5, never)).rejects.toThrow(
    "all the room on disk",
  );
});

test("who gives up waiting holds nobody up, and takes no room later", async () => {
  const budget = createDiskBudget(10, { waitMs: 50 });
  const order: number[] = [];
  const first = await reserve(budget, 10, order);
  const leaving = new AbortController();
  const left = budget.reserve("a", 9, leaving.signal);
  leaving.abort(new Error("the channel is gone"));
  await expect(left).rejects.toThrow("the channel is gone");
  await expect(budget.reserve("a", 8, never)).rejects.toThrow("all the room on disk");
  first[Symbol.dispose]();
  await reserve(budget, 10, order);
  expect(order).toEqual([10, 10]);
});

test("a channel whose attachments never arrive leaves room for the others", async () => {
  const budget = createDiskBudget(4, { channelBytesMax: 2 });
  const admitted: string[] = [];
  const ask = async (channelId: string) => {
    const reservation = await budget.reserve(channelId, 1, never);
    admitted.push(channelId);
    return reservation;
  };
  const slow = await Promise.all([ask("slow"), ask("slow")]);
  const waiting = Array.from({ length: 50 }, () => ask("slow"));
  await Promise.all([ask("other"), ask("third")]);
  expect(admitted).toEqual(["slow", "slow", "other", "third"]);
  // The room is full: what is given back goes first to whoever holds least, not to who has waited longest.
  const fourth = ask("fourth");
  slow[0]?.[Symbol.dispose]();
  await fourth;
  slow[1]?.[Symbol.dispose]();
  await waiting[0];
  expect(admitted.slice(4)).toEqual(["fourth", "slow"]);
});
