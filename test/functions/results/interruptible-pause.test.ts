import { expect, test } from "vitest";
import { createInterruptiblePause } from "#functions/results/interruptible-pause.ts";

const longMs = 3_600_000;

test("an interrupt ends the pause", async () => {
  const { interrupt, pause } = createInterruptiblePause();
  const pausing = pause(longMs);
  interrupt();
  await pausing;
});

test("an interrupt before the pause ends that pause and no other", async () => {
  const { interrupt, pause } = createInterruptiblePause();
  interrupt();
  interrupt();
  await pause(longMs);
  const next = pause(longMs).then(() => "over");
  expect(await Promise.race([next, Promise.resolve("pausing")])).toBe("pausing");
  interrupt();
  expect(await next).toBe("over");
});

test("a pause without an interrupt ends in time", async () => {
  await createInterruptiblePause().pause(1);
});
