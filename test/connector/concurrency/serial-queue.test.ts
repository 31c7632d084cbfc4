import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSerialQueue } from "#connector/concurrency/serial-queue.ts";

test("tasks run one after the other, in order", async () => {
  const queue = createSerialQueue(() => undefined);
  const log: string[] = [];
  for (const [index, ms] of [20, 0, 10].entries()) {
    queue.push(async () => {
      log.push(`${index} begins`);
      await delay(ms);
      log.push(`${index} ends`);
    });
  }
  await queue.idle();
  expect(log).toEqual(["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]);
});

test("a failed task is reported, and the next one runs", async () => {
  const reported: unknown[] = [];
  const ran: string[] = [];
  const queue = createSerialQueue((error) => reported.push(error));
  const broken = new Error("broken");
  queue.push(() => Promise.reject(broken));
  queue.push(() => {
    throw broken;
  });
  queue.push(async () => void ran.push("next"));
  await queue.idle();
  expect({ reported, ran }).toEqual({ reported: [broken, broken], ran: ["next"] });
});

test("a queue is idle once every task pushed so far has run", async () => {
  const queue = createSerialQueue(() => undefined);
  await queue.idle();
  let isDone = false;
  queue.push(async () => {
    await delay(5);
    isDone = true;
  });
  await queue.idle();
  expect(isDone).toBe(true);
});
