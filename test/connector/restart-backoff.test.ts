import { expect, test } from "vitest";
import { createRestartBackoff } from "#connector/restart-backoff.ts";

test("the failures of 10,000 channels are remembered, and those of the one that failed first are forgotten", () => {
  const { recordFailure } = createRestartBackoff({ baseMs: 1, maxMs: 1 });
  for (let n = 0; n < 10_000; n++) recordFailure(`channel-${n}`);
  expect(recordFailure("channel-0").count).toBe(2);
  recordFailure("one-more");
  expect(recordFailure("channel-2").count).toBe(2);
  expect(recordFailure("channel-1").count).toBe(1);
});
