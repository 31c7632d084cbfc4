import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createKeyedQueue } from "#connector/concurrency/keyed-queue.ts";

test("tasks of one key run one after the other, in the order they came; other keys do not wait", async () => {
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

test("a task gives its result to who asked for it, and its failure to nobody else", async () => {
  const inTurn = createKeyedQueue();
  const broken = inTurn("a", async () => {
    await delay(1);
    throw new Error("broken");
  });
  const fine = inTurn("a", async () => 42);
  await expect(broken).rejects.toThrow("broken");
  expect(await fine).toBe(42);
});
