import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createKeyedQueue } from "#connector/concurrency/keyed-queue.ts";

test("tasks with the same key run one after the other, in order, and do not delay other keys", async () => {
  const inTurn = createKeyedQueue();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = inTurn("a", async () => {
    await gate.promise;
    log.push("a1");
  });
  const second = inTurn("a", async () => void log.push("a2"));
  await inTurn("b", async () => void log.push("b1"));
  gate.resolve();
  await Promise.all([first, second]);
  expect(log).toEqual(["b1", "a1", "a2"]);
});

test("a failed task rejects only its own caller", async () => {
  const inTurn = createKeyedQueue();
  const broken = inTurn("a", async () => {
    await delay(1);
    throw new Error("broken");
  });
  const fine = inTurn("a", async () => 42);
  await expect(broken).rejects.toThrow("broken");
  expect(await fine).toBe(42);
});
