import { expect, test } from "vitest";
import { alarm } from "#functions/results/alarm.ts";

const longMs = 3_600_000;

test("a ring ends the pause", async () => {
  const { ring, pause } = alarm();
  const pausing = pause(longMs);
  ring();
  await pausing;
});

test("a ring before the pause ends it, and only that one", async () => {
  const { ring, pause } = alarm();
  ring();
  ring();
  await pause(longMs);
  const next = pause(longMs).then(() => "over");
  expect(await Promise.race([next, Promise.resolve("pausing")])).toBe("pausing");
  ring();
  expect(await next).toBe("over");
});

test("without a ring it ends by itself", async () => {
  await alarm().pause(1);
});
