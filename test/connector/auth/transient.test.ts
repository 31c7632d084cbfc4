import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from "mongodb";
import { expect, test } from "vitest";
import { FencedError } from "../../../connector/auth/fence.ts";
import { withPatience } from "../../../connector/auth/transient.ts";

const never = new AbortController().signal;

/** Fails `times` times, then gives how often it was called. */
function failing(times: number, error: Error) {
  let calls = 0;
  return async () => {
    if (++calls <= times) throw error;
    return calls;
  };
}

test("what passes by itself is tried again", async () => {
  expect(await withPatience(never, failing(2, new MongoNetworkError("reset")))).toBe(3);
  const writeConflict = new MongoServerError({
    message: "conflict",
    errorLabels: ["TransientTransactionError"],
  });
  expect(await withPatience(never, failing(1, writeConflict))).toBe(2);
});

test.each([
  new FencedError({ channelId: "c", epoch: 1 }),
  new MongoServerError({ message: "duplicate", code: 11000 }),
  new MongoBulkWriteError({ message: "duplicate", code: 11000, writeErrors: [] }, Object.create(null)),
  new Error("a bug"),
])("%s is not", async (error) => {
  await expect(withPatience(never, failing(1, error))).rejects.toBe(error);
});

test("an attempt gets a timeout within the 10 s", async () => {
  const timeoutMS = await withPatience(never, async (given) => given);
  expect(timeoutMS).toBeGreaterThan(0);
  expect(timeoutMS).toBeLessThanOrEqual(10_000);
});

test("an aborted signal ends the waiting", async () => {
  const controller = new AbortController();
  const reason = new Error("not mine any more");
  const waiting = withPatience(controller.signal, () => {
    controller.abort(reason);
    return Promise.reject(new MongoNetworkError("reset"));
  });
  await expect(waiting).rejects.toThrow();
  await expect(withPatience(controller.signal, async () => 1)).rejects.toBe(reason);
});
