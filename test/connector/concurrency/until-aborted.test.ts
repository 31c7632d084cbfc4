import { expect, test } from "vitest";
import { untilAborted } from "#connector/concurrency/until-aborted.ts";

const never = new Promise<never>(() => undefined);

test("work that ends in time passes on its result or its error", async () => {
  const { signal } = new AbortController();
  await expect(untilAborted(signal, async () => "answer")).resolves.toBe("answer");
  await expect(untilAborted(signal, () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
});

test("work that hangs rejects with the signal's reason when that aborts", async () => {
  const gone = new AbortController();
  const waiting = untilAborted(gone.signal, () => never);
  gone.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
});

test("work does not begin once the signal has aborted", async () => {
  let isBegun = false;
  const work = async () => {
    isBegun = true;
  };
  await expect(untilAborted(AbortSignal.abort(new Error("gone")), work)).rejects.toThrow("gone");
  expect(isBegun).toBe(false);
});

test("work that fails after the signal aborted causes no unhandled rejection", async () => {
  const gone = new AbortController();
  const late = Promise.withResolvers<never>();
  const waiting = untilAborted(gone.signal, () => late.promise);
  gone.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  late.reject(new Error("late"));
  await new Promise((resolve) => setImmediate(resolve));
});
