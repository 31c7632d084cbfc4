import { expect, test } from "vitest";
import { createWorkLoop } from "#connector/concurrency/work-loop.ts";

/** A work loop whose passes end when the test says so. */
function heldLoop(mayWork = () => true) {
  const passes: PromiseWithResolvers<void>[] = [];
  const errors: unknown[] = [];
  const loop = createWorkLoop({
    mayWork,
    pass() {
      const pass = Promise.withResolvers<void>();
      passes.push(pass);
      return pass.promise;
    },
    onError: (error) => errors.push(error),
  });
  return { loop, passes, errors };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("rings during a pass are answered by one more pass", async () => {
  const { loop, passes } = heldLoop();
  loop.ring();
  await nextTurn();
  loop.ring();
  loop.ring();
  expect(passes).toHaveLength(1);
  passes[0]?.resolve();
  await nextTurn();
  expect(passes).toHaveLength(2);
  passes[1]?.resolve();
  await nextTurn();
  expect(passes).toHaveLength(2);
});

test("a pass that fails is reported, and a ring during it still starts the next one", async () => {
  const { loop, passes, errors } = heldLoop();
  loop.ring();
  await nextTurn();
  loop.ring();
  passes[0]?.reject(new Error("away"));
  await nextTurn();
  expect(errors).toEqual([new Error("away")]);
  expect(passes).toHaveLength(2);
  passes[1]?.resolve();
});

test("stop waits for the running pass and begins no other", async () => {
  const { loop, passes } = heldLoop();
  loop.ring();
  await nextTurn();
  loop.ring();
  let hasStopped = false;
  const stopping = loop.stop().then(() => {
    hasStopped = true;
  });
  expect(loop.mayWork()).toBe(false);
  await nextTurn();
  expect(hasStopped).toBe(false);
  passes[0]?.resolve();
  await stopping;
  loop.ring();
  await nextTurn();
  expect(passes).toHaveLength(1);
});

test("no pass begins while the loop may not work, and a later ring starts one", async () => {
  let mayWork = false;
  const { loop, passes } = heldLoop(() => mayWork);
  loop.ring();
  await nextTurn();
  expect(passes).toHaveLength(0);
  mayWork = true;
  loop.ring();
  await nextTurn();
  expect(passes).toHaveLength(1);
  passes[0]?.resolve();
});
