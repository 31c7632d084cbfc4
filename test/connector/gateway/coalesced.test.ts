import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { coalesced } from "../../../connector/gateway/coalesced.ts";

test("calls during a run are answered by one more, and every caller waits for it", async () => {
  let runs = 0;
  let running = 0;
  let most = 0;
  const call = coalesced(async () => {
    runs += 1;
    running += 1;
    most = Math.max(most, running);
    await turn();
    running -= 1;
  });
  await Promise.all([call(), call(), call()]);
  expect([runs, most]).toEqual([2, 1]);
  await call();
  expect(runs).toBe(3);
});
