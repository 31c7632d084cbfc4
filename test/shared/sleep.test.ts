import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { aborted, sleep } from "#shared/sleep.ts";

const longMs = 600_000;

test("a sleep ends after its time, and leaves no listener on the signal", async () => {
  const { signal } = new AbortController();
  await sleep(1, signal);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a sleep ends when its signal aborts, without an error", async () => {
  const stopping = new AbortController();
  const sleeping = sleep(longMs, stopping.signal);
  stopping.abort(new Error("stop"));
  await expect(sleeping).resolves.toBeUndefined();
});

test("`sleep` and `aborted` return at once for an aborted signal", async () => {
  const signal = AbortSignal.abort();
  await sleep(longMs, signal);
  await aborted(signal);
});

test("`aborted` waits until the signal aborts", async () => {
  const stopping = new AbortController();
  let isOver = false;
  const waiting = aborted(stopping.signal).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  stopping.abort();
  await waiting;
});
