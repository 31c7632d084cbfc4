import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import type { WASocket } from "#connector/baileys/baileys.ts";
import { endTurnsEarly, leaveTurn, markHandedOver } from "#connector/baileys/message-turns.ts";
import { createKeyedQueue } from "#connector/concurrency/keyed-queue.ts";

function turns() {
  const queue = createKeyedQueue();
  const messageMutex = { mutex: <T>(code: () => Promise<T> | T) => queue("", async () => await code()) };
  endTurnsEarly({ messageMutex } as unknown as Pick<WASocket, "messageMutex">);
  return messageMutex;
}

test("a message that was handed over and asks WhatsApp lets the next one pass", async () => {
  const { mutex } = turns();
  const answer = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = mutex(async () => {
    await turn();
    markHandedOver();
    leaveTurn();
    await answer.promise;
    order.push("answered");
  });
  await mutex(async () => void order.push("next"));
  await first;
  expect(order).toEqual(["next"]);
  answer.resolve();
  await turn();
  expect(order).toEqual(["next", "answered"]);
});

test("a message keeps its turn until it is handed over, whatever it writes", async () => {
  const { mutex } = turns();
  const order: string[] = [];
  const first = mutex(async () => {
    leaveTurn();
    await turn();
    order.push("first");
  });
  await Promise.all([first, mutex(async () => void order.push("second"))]);
  expect(order).toEqual(["first", "second"]);
});

test("a frame of another message ends no turn, and an error reaches who waits for the message", async () => {
  const { mutex } = turns();
  await expect(
    mutex(async () => {
      await turn();
      throw new Error("cannot be handled");
    }),
  ).rejects.toThrow("cannot be handled");
  leaveTurn();
  markHandedOver();
  expect(await mutex(async () => "done")).toBe("done");
});

test("what follows the hand-over of a message holds up the next one for two seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { mutex } = turns();
  let hasBegun = false;
  void mutex(async () => {
    await turn();
    markHandedOver();
    await new Promise(() => undefined);
  });
  void mutex(async () => {
    hasBegun = true;
  });
  await turn();
  await turn();
  await vi.advanceTimersByTimeAsync(1_999);
  expect(hasBegun).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await turn();
  expect(hasBegun).toBe(true);
});
