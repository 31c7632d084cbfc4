import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { singleFlight } from "#connector/concurrency/single-flight.ts";

/** A look whose runs end when they are told to. */
function held() {
  const runs: PromiseWithResolvers<void>[] = [];
  const look = singleFlight(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  return { runs, look };
}

test("who asks while one runs shares the next one, which begins after it", async () => {
  const { runs, look } = held();
  const first = look();
  const [second, third] = [look(), look()];
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

test("one that fails is told to who asked, and does not stop the next", async () => {
  const { runs, look } = held();
  const [first, second] = [look(), look()];
  const told = expect(first).rejects.toThrow("away");
  runs[0]?.reject(new Error("away"));
  await told;
  runs[1]?.resolve();
  await second;
  void look();
  expect(runs).toHaveLength(3);
});

test("calls during a run are answered by one more, and every caller waits for it", async () => {
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
