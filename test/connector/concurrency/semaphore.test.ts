import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSemaphore } from "#connector/concurrency/semaphore.ts";

test("no more than the slots run at once, all run in order, and one that fails frees its slot", async () => {
  const slots = createSemaphore(2);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const works = Array.from({ length: 7 }, (_, index) =>
    slots(async () => {
      begun.push(index);
      most = Math.max(most, ++running);
      await turn();
      running--;
      if (index === 1) throw new Error("failed");
      return index;
    }),
  );
  const ends = await Promise.allSettled(works);
  expect(ends.map(({ status }) => status === "fulfilled")).toEqual([
    true,
    false,
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(most).toBe(2);
});
