import { expect, test } from "vitest";
import { remembered } from "#shared/remembered.ts";

/** Counts its calls; each waits until the test ends it. */
function source() {
  const calls: PromiseWithResolvers<number>[] = [];
  const read = () => {
    const call = Promise.withResolvers<number>();
    calls.push(call);
    return call.promise;
  };
  return { calls, read };
}

test("calls during a read get its result", async () => {
  const { calls, read } = source();
  const ask = remembered(read, 0);
  const answers = [ask(), ask(), ask()];
  calls[0]?.resolve(7);
  expect(await Promise.all(answers)).toEqual([7, 7, 7]);
  expect(calls.length).toBe(1);
});

test("a result is remembered for its time, then read again", async () => {
  const { calls, read } = source();
  const [forever, never] = [remembered(read, 60_000), remembered(read, 0)];
  for (const [at, ask] of [forever, never].entries()) {
    const first = ask();
    calls[at]?.resolve(at);
    await first;
  }
  expect(await forever()).toBe(0);
  void never();
  expect(calls.length).toBe(3);
});

test("a rejection is remembered too", async () => {
  const { calls, read } = source();
  const ask = remembered(read, 60_000);
  const first = ask();
  calls[0]?.reject(new Error("down"));
  await expect(first).rejects.toThrow("down");
  await expect(ask()).rejects.toThrow("down");
  expect(calls.length).toBe(1);
});
