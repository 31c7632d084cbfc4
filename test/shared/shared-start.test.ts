import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSharedStart } from "#shared/shared-start.ts";

test("work begins at once while little comes, and after the turn when it follows other work or was shared", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const start = createSharedStart();
  const isAtOnce = async () => {
    const begun = Promise.withResolvers<boolean>();
    let isSameTurn = true;
    start.begin(() => begun.resolve(isSameTurn));
    await Promise.resolve();
    isSameTurn = false;
    return await begun.promise;
  };
  expect(await isAtOnce()).toBe(true);
  start.noteEnd();
  expect(await isAtOnce()).toBe(false);
  vi.advanceTimersByTime(10);
  expect(await isAtOnce()).toBe(true);
  start.noteShared();
  start.noteEnd();
  vi.advanceTimersByTime(199);
  expect(await isAtOnce()).toBe(false);
  vi.advanceTimersByTime(1);
  expect(await isAtOnce()).toBe(true);
  await nextTurn();
});
