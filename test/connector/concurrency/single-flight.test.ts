import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { singleFlight } from "#connector/concurrency/single-flight.ts";

/** A single-flight function whose runs end when the test says so. */
function heldFlight() {
  const runs: PromiseWithResolvers<void>[] = [];
  const call = singleFlight(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  return { runs, call };
}

test("calls during a run share the next one, which begins after it", async () => {
  const { runs, call } = heldFlight();
  const first = call();
  const [second, third] = [call(), call()];
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  await first;
  expect(runs).toHaveLength(2);
  let isOver = false;
  void Promise.all([second, third]).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  runs[1]?.resolve();
  await Promise.all([second, third]);
  expect(runs).toHaveLength(2);
});

test("a failed run rejects its own callers, and the next one still runs", async () => {
  const { runs, call } = heldFlight();
  const [first, second] = [call(), call()];
  const rejected = expect(first).rejects.toThrow("unavailable");
  runs[0]?.reject(new Error("unavailable"));
  await rejected;
  runs[1]?.resolve();
  await second;
  void call();
  expect(runs).toHaveLength(3);
});

test("three calls at once make two runs, one at a time", async () => {
  let runs = 0;
  let running = 0;
  let most = 0;
  const call = singleFlight(async () => {
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
