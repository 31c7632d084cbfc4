import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from "mongodb";
import { expect, test, vi } from "vitest";
import { retryTransient } from "#connector/auth/retry-transient.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { severableDatabase } from "#test/support/severable-database.ts";

const never = new AbortController().signal;

/** Fails `times` times, then resolves to the number of calls. */
function failing(times: number, error: Error) {
  let calls = 0;
  return async () => {
    if (++calls <= times) throw error;
    return calls;
  };
}

test("a transient failure is retried", async () => {
  expect(await retryTransient(never, failing(2, new MongoNetworkError("reset")))).toBe(3);
  const writeConflict = new MongoServerError({
    message: "conflict",
    errorLabels: ["TransientTransactionError"],
  });
  expect(await retryTransient(never, failing(1, writeConflict))).toBe(2);
});

test("an unreachable server is retried, for every kind of operation", async () => {
  await using severable = await severableDatabase("transient");
  const rows = severable.db.collection<{ _id: string }>("rows");
  await rows.findOne({});
  severable.cut();
  await using session = severable.db.client.startSession();
  const operations = [
    () => rows.findOne({ _id: "a" }),
    () => rows.updateOne({ _id: "a" }, { $set: { a: 1 } }),
    () => rows.bulkWrite([{ insertOne: { document: { _id: "a" } } }]),
    () => session.withTransaction(() => rows.bulkWrite([{ deleteOne: { filter: {} } }], { session })),
  ];
  for (const operation of operations) {
    let calls = 0;
    const result = retryTransient(never, async () => (++calls > 1 ? "again" : await operation()));
    expect(await result).toBe("again");
  }
});

test.each([91, 189, 11602])("a bulk that failed with code %i is retried", async (code) => {
  const stepping = new MongoBulkWriteError(
    { message: "stepping down", code, writeErrors: [] },
    Object.create(null),
  );
  expect(await retryTransient(never, failing(1, stepping))).toBe(2);
});

test.each([
  new FencedError({ channelId: "c", epoch: 1 }),
  new MongoServerError({ message: "duplicate", code: 11000 }),
  new MongoBulkWriteError({ message: "duplicate", code: 11000, writeErrors: [] }, Object.create(null)),
  new Error("a bug"),
])("%s is not retried", async (error) => {
  await expect(retryTransient(never, failing(1, error))).rejects.toBe(error);
});

test("an aborted signal ends the retries", async () => {
  const controller = new AbortController();
  const reason = new Error("not mine any more");
  const waiting = retryTransient(controller.signal, () => {
    controller.abort(reason);
    return Promise.reject(new MongoNetworkError("reset"));
  });
  await expect(waiting).rejects.toThrow();
  await expect(retryTransient(controller.signal, async () => 1)).rejects.toBe(reason);
});

test("an operation that never ends is abandoned after 10 s", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const waiting = retryTransient(never, () => new Promise(() => undefined));
    const failure = expect(waiting).rejects.toMatchObject({ code: "database_unavailable" });
    vi.advanceTimersByTime(10_000);
    await failure;
  } finally {
    vi.useRealTimers();
  }
});
