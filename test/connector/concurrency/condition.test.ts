import { expect, test } from "vitest";
import { createCondition } from "#connector/concurrency/condition.ts";

/** A number that the test sets, and a condition over it. */
function counter() {
  let value = 0;
  const condition = createCondition(() => value);
  return {
    until: condition.until,
    set(next: number) {
      value = next;
      condition.changed();
    },
  };
}

test("a test that holds already resolves at once", async () => {
  await expect(counter().until((value) => value === 0, 60_000)).resolves.toBe(0);
});

test("every waiter resolves with the first value that satisfies its own test", async () => {
  const { until, set } = counter();
  const [one, three] = [until((value) => value >= 1, 60_000), until((value) => value >= 3, 60_000)];
  set(2);
  await expect(one).resolves.toBe(2);
  set(4);
  await expect(three).resolves.toBe(4);
});

test("a waiter resolves to null when its signal aborts, also one that has aborted before", async () => {
  const stopping = new AbortController();
  const waiting = counter().until((value) => value === 1, stopping.signal);
  stopping.abort();
  await expect(waiting).resolves.toBeNull();
  await expect(counter().until((value) => value === 1, stopping.signal)).resolves.toBeNull();
  await expect(counter().until((value) => value === 0, stopping.signal)).resolves.toBe(0);
});

test("a waiter resolves to null when its time is up", async () => {
  await expect(counter().until((value) => value === 1, 1)).resolves.toBeNull();
});
