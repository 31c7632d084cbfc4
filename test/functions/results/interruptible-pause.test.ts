import { expect, test } from "vitest";
import { createInterruptiblePause } from "#functions/results/interruptible-pause.ts";

const longMs = 3_600_000;

test("a ring ends the pause", async () => {
  const { interrupt, pause } = createInterruptiblePause();
  const pausing = pause(longMs);
  interrupt();
  await pausing;
});

test("a ring before the pause ends it, and only that one", async () => {
  const { interrupt, pause } = createInterruptiblePause();
  interrupt();
  interrupt();
  await pause(longMs);
  const next = pause(longMs).then(() => "over");
  expect(await Promise.race([next, Promise.resolve("pausing")])).toBe("pausing");
  interrupt();
  expect(await next).toBe("over");
});

test("without a ring it ends by itself", async () => {
  await createInterruptiblePause().pause(1);
});
