import { expect, test } from "vitest";
import { Arrivals } from "#infra/sandbox/people/arrivals.ts";

test("waiting finds a past arrival, and a future one", async () => {
  const arrivals = new Arrivals<number>("number");
  expect(await arrivals.wait([1, 2, 3], (number) => number > 1)).toBe(2);
  const coming = arrivals.wait([1], (number) => number > 4);
  arrivals.add(4);
  arrivals.add(5);
  expect(await coming).toBe(5);
});

test("waiting ends on timeout and on abort", async () => {
  const arrivals = new Arrivals<number>("number");
  await expect(arrivals.wait([], () => true, { timeoutMs: 1 })).rejects.toThrow("no number within 1 ms");
  const abort = new AbortController();
  const waiting = arrivals.wait([], () => true, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(arrivals.wait([], () => true, { signal: abort.signal })).rejects.toThrow("enough");
});
