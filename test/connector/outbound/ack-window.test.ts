import { expect, test } from "vitest";
import { createAckWindow } from "#connector/outbound/ack-window.ts";

/** Whether `work` resolves without waiting for anything more. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  let hasResolved = false;
  void work.then(() => {
    hasResolved = true;
  });
  await new Promise(setImmediate);
  return hasResolved;
}

function waitingSends(count: number) {
  const errors: unknown[] = [];
  const ackWindow = createAckWindow((error) => errors.push(error));
  const sends = Array.from({ length: count }, () => Promise.withResolvers<void>());
  for (const { promise } of sends) ackWindow.track(promise);
  return { ackWindow, sends, errors };
}

test("a window has room until 32 sends wait, and again as soon as one of them settles", async () => {
  const { ackWindow, sends } = waitingSends(31);
  expect(await isDone(ackWindow.room())).toBe(true);
  ackWindow.track(new Promise(() => undefined));
  const room = ackWindow.room();
  expect(await isDone(room)).toBe(false);
  sends[7]?.resolve();
  expect(await isDone(room)).toBe(true);
  expect(await isDone(ackWindow.room())).toBe(true);
});

test("a window is idle once no send waits", async () => {
  const { ackWindow, sends } = waitingSends(2);
  const idle = ackWindow.idle();
  sends[0]?.resolve();
  expect(await isDone(idle)).toBe(false);
  sends[1]?.resolve();
  expect(await isDone(idle)).toBe(true);
});

test("a failed send is reported and leaves the window", async () => {
  const { ackWindow, sends, errors } = waitingSends(1);
  sends[0]?.reject(new Error("unavailable"));
  await ackWindow.idle();
  expect(errors).toEqual([new Error("unavailable")]);
});
