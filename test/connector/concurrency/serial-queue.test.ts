import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSerialQueue } from "#connector/concurrency/serial-queue.ts";

test("runs one task after the other, in the order they came", async () => {
  const chain = createSerialQueue(() => undefined);
  const log: string[] = [];
  for (const [index, ms] of [20, 0, 10].entries()) {
    chain.push(async () => {
      log.push(`${index} begins`);
      await delay(ms);
      log.push(`${index} ends`);
    });
  }
  await chain.idle();
  expect(log).toEqual(["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]);
});

test("a task that fails is reported, and the next one runs", async () => {
  const reported: unknown[] = [];
  const ran: string[] = [];
  const chain = createSerialQueue((error) => reported.push(error));
  const broken = new Error("broken");
  chain.push(() => Promise.reject(broken));
  chain.push(() => {
    throw broken;
  });
  chain.push(async () => void ran.push("next"));
  await chain.idle();
  expect({ reported, ran }).toEqual({ reported: [broken, broken], ran: ["next"] });
});

test("is idle when what was pushed by then has run", async () => {
  const chain = createSerialQueue(() => undefined);
  await chain.idle();
  let isDone = false;
  chain.push(async () => {
    await delay(5);
    isDone = true;
  });
  await chain.idle();
  expect(isDone).toBe(true);
});
