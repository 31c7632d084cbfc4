import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSharedStart, newSharing } from "#shared/shared-start.ts";

/** A start on a clock that stands still, and whether what it begins now begins at once. */
function startOn() {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const sharing = newSharing();
  const start = createSharedStart(sharing);
  const isAtOnce = async () => {
    const begun = Promise.withResolvers<boolean>();
    let isSameTurn = true;
    start.begin(() => begun.resolve(isSameTurn));
    await Promise.resolve();
    isSameTurn = false;
    return await begun.promise;
  };
  return { sharing, start, isAtOnce };
}

test("work begins at once while little comes, and after the turn when it follows other work or was shared", async () => {
  const { start, isAtOnce } = startOn();
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

test("what one kind of work shares delays the others, and its end does not", async () => {
  const { sharing, isAtOnce } = startOn();
  const other = createSharedStart(sharing);
  other.noteEnd();
  expect(await isAtOnce()).toBe(true);
  other.noteShared();
  expect(await isAtOnce()).toBe(false);
  vi.advanceTimersByTime(200);
  expect(await isAtOnce()).toBe(true);
  await nextTurn();
});
