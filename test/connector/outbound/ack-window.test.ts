import { expect, test } from "vitest";
import { createAckWindow } from "#connector/outbound/ack-window.ts";

/** Whether it has resolved by the time that everything which is due has run. */
async function isDone(work: Promise<unknown>): Promise<boolean> {
  let isSo = false;
  void work.then(() => {
    isSo = true;
  });
  await new Promise(setImmediate);
  return isSo;
}

function waitingSends(count: number) {
  const errors: unknown[] = [];
  const answers = createAckWindow((error) => errors.push(error));
  const sends = Array.from({ length: count }, () => Promise.withResolvers<void>());
  for (const { promise } of sends) answers.track(promise);
  return { answers, sends, errors };
}

test("there is room until 32 wait, and again as soon as one of them is done", async () => {
  const { answers, sends } = waitingSends(31);
  expect(await isDone(answers.room())).toBe(true);
  answers.track(new Promise(() => undefined));
  const room = answers.room();
  expect(await isDone(room)).toBe(false);
  sends[7]?.resolve();
  expect(await isDone(room)).toBe(true);
  expect(await isDone(answers.room())).toBe(true);
});

test("it is idle when none waits any more", async () => {
  const { answers, sends } = waitingSends(2);
  const idle = answers.idle();
  sends[0]?.resolve();
  expect(await isDone(idle)).toBe(false);
  sends[1]?.resolve();
  expect(await isDone(idle)).toBe(true);
});

test("one that fails is told of, and waits no more", async () => {
  const { answers, sends, errors } = waitingSends(1);
  sends[0]?.reject(new Error("away"));
  await answers.idle();
  expect(errors).toEqual([new Error("away")]);
});
