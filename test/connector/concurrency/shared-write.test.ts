import { expect, test } from "vitest";
import { createSharedWrite } from "#connector/concurrency/shared-write.ts";

/** A shared write whose writes end when the test says so; each result is the item, doubled. */
function heldWrite(itemsMax = 100) {
  const writes: { items: readonly number[]; end: PromiseWithResolvers<void> }[] = [];
  const { submit } = createSharedWrite<number, number>({
    itemsMax,
    async write(items) {
      const end = Promise.withResolvers<void>();
      writes.push({ items, end });
      await end.promise;
      return items.map((item) => (item < 0 ? new Error(`refused ${item}`) : item * 2));
    },
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { writes, submit, turn };
}

test("items of one turn share a write, and those that arrive during it share the next", async () => {
  const { writes, submit, turn } = heldWrite();
  const first = [submit(1), submit(2)];
  await turn();
  const second = [submit(3), submit(4)];
  await turn();
  expect(writes.map(({ items }) => items)).toEqual([[1, 2]]);
  writes[0]?.end.resolve();
  expect(await Promise.all(first)).toEqual([2, 4]);
  await turn();
  expect(writes.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  writes[1]?.end.resolve();
  expect(await Promise.all(second)).toEqual([6, 8]);
});

test("an error among the results rejects its own item only", async () => {
  const { writes, submit, turn } = heldWrite();
  const outcomes = Promise.allSettled([submit(1), submit(-2), submit(3)]);
  await turn();
  writes[0]?.end.resolve();
  expect(await outcomes).toMatchObject([{ value: 2 }, { reason: { message: "refused -2" } }, { value: 6 }]);
});

test("a failed write rejects its items, and the next one still runs", async () => {
  const { writes, submit, turn } = heldWrite();
  const failed = expect(submit(1)).rejects.toThrow("unavailable");
  await turn();
  writes[0]?.end.reject(new Error("unavailable"));
  await failed;
  const later = submit(2);
  await turn();
  writes[1]?.end.resolve();
  expect(await later).toBe(4);
});

test("a write holds at most `itemsMax` items", async () => {
  const { writes, submit, turn } = heldWrite(2);
  const done = Promise.all([submit(1), submit(2), submit(3)]);
  await turn();
  writes[0]?.end.resolve();
  await turn();
  writes[1]?.end.resolve();
  expect(await done).toEqual([2, 4, 6]);
  expect(writes.map(({ items }) => items)).toEqual([[1, 2], [3]]);
});
