import { expect, test } from "vitest";
import { createDiskBudget, type DiskBudget } from "#connector/media/disk-budget.ts";

const never = new AbortController().signal;

/** Reserves, and writes to `order` when it is admitted. */
async function reserve(budget: DiskBudget, bytes: number, order: number[]) {
  const reservation = await budget.reserve(bytes, never);
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
  await expect(createDiskBudget(4, 20).reserve(5, never)).rejects.toThrow("all the room on disk");
});

test("who gives up waiting holds nobody up, and takes no room later", async () => {
  const budget = createDiskBudget(10, 50);
  const order: number[] = [];
  const first = await reserve(budget, 10, order);
  const leaving = new AbortController();
  const left = budget.reserve(9, leaving.signal);
  leaving.abort(new Error("the channel is gone"));
  await expect(left).rejects.toThrow("the channel is gone");
  await expect(budget.reserve(8, never)).rejects.toThrow("all the room on disk");
  first[Symbol.dispose]();
  await reserve(budget, 10, order);
  expect(order).toEqual([10, 10]);
});
