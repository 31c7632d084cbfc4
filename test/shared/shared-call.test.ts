import { expect, onTestFinished, test, vi } from "vitest";
import { createSharedCall } from "#shared/shared-call.ts";
import { newSharing } from "#shared/shared-start.ts";

/** A shared call whose calls end when the test says so; each result is the item, doubled. */
function heldCall(itemsMax = 100) {
  const calls: { items: readonly number[]; end: PromiseWithResolvers<void> }[] = [];
  const { submit } = createSharedCall<number, number>({
    itemsMax,
    async call(items) {
      const end = Promise.withResolvers<void>();
      calls.push({ items, end });
      await end.promise;
      return items.map((item) => (item < 0 ? new Error(`refused ${item}`) : item * 2));
    },
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { calls, submit, turn };
}

test("items of one turn share a call, and those that arrive during it share the next", async () => {
  const { calls, submit, turn } = heldCall();
  const first = [submit(1), submit(2)];
  await turn();
  const second = [submit(3), submit(4)];
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([[1, 2]]);
  calls[0]?.end.resolve();
  expect(await Promise.all(first)).toEqual([2, 4]);
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  calls[1]?.end.resolve();
  expect(await Promise.all(second)).toEqual([6, 8]);
});

test("an error among the results rejects its own item only", async () => {
  const { calls, submit, turn } = heldCall();
  const outcomes = Promise.allSettled([submit(1), submit(-2), submit(3)]);
  await turn();
  calls[0]?.end.resolve();
  expect(await outcomes).toMatchObject([{ value: 2 }, { reason: { message: "refused -2" } }, { value: 6 }]);
});

test("a failed call rejects its items, and the next one still runs", async () => {
  const { calls, submit, turn } = heldCall();
  const failed = expect(submit(1)).rejects.toThrow("unavailable");
  await turn();
  calls[0]?.end.reject(new Error("unavailable"));
  await failed;
  const later = submit(2);
  await turn();
  calls[1]?.end.resolve();
  expect(await later).toBe(4);
});

test("a call holds at most `itemsMax` items", async () => {
  const { calls, submit, turn } = heldCall(2);
  const done = Promise.all([submit(1), submit(2), submit(3)]);
  await turn();
  calls[0]?.end.resolve();
  await turn();
  calls[1]?.end.resolve();
  expect(await done).toEqual([2, 4, 6]);
  expect(calls.map(({ items }) => items)).toEqual([[1, 2], [3]]);
});

test("a call that stalls does not hold up the next", async () => {
  const { calls, submit, turn } = heldCall();
  const stalled = submit(1);
  await turn();
  const next = submit(2);
  await expect.poll(() => calls.length).toBe(2);
  calls[1]?.end.resolve();
  expect(await next).toBe(4);
  calls[0]?.end.resolve();
  expect(await stalled).toBe(2);
});

test.each([
  { areGathered: false, isBusy: true },
  { areGathered: true, isBusy: false },
])(
  "three items of one call make the process busy: $isBusy, when gathered: $areGathered",
  async ({ areGathered, isBusy }) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const sharing = newSharing();
    const call = async (items: readonly number[]) => items;
    const one = createSharedCall<number, number>({ areGathered, call, sharing });
    await Promise.all([1, 2, 3].map(one.submit));
    const begun: number[] = [];
    const other = createSharedCall<number, number>({
      sharing,
      async call(items) {
        begun.push(...items);
        return items;
      },
    });
    const done = other.submit(4);
    await Promise.resolve();
    expect(begun).toEqual(isBusy ? [] : [4]);
    expect(await done).toBe(4);
  },
);
