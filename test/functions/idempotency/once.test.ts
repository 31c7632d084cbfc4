import { afterAll, beforeAll, expect, test } from "vitest";
import type { KeyedRequests } from "#functions/idempotency/keyed-request.ts";
import { keyedOnce, unkeyed } from "#functions/idempotency/once.ts";
import { mongoKeyedRequests } from "#functions/store/mongo-keyed-requests.ts";
import { collections } from "#shared/database.ts";
import { ServiceError } from "#shared/errors.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

let database: TestDatabase;
let requests: KeyedRequests;
beforeAll(async () => {
  database = await testDatabase();
  requests = mongoKeyedRequests(collections(database.db).idempotencyKeys);
});
afterAll(() => database[Symbol.asyncDispose]());

/** A request that has found no earlier decision. */
async function undecided(id: string, hash = "same") {
  const calls = { onRepeated: 0 };
  const once = keyedOnce({ requests, id, hash, onRepeated: () => calls.onRepeated++ });
  await once.recall();
  return { once, calls };
}
const refused = () => {
  throw new ServiceError("channel_logged_out", "not now", { details: { why: "test" }, retryable: true });
};

test("a request accepted first is also accepted for a concurrent repetition that would refuse it", async () => {
  const [one, two] = [await undecided("accepted"), await undecided("accepted")];
  const first = await one.once.decide(() => ({ commandId: "one" }));
  const second = await two.once.decide(refused);
  expect([first, second]).toEqual([
    { ids: { commandId: "one" }, isRepeated: false, doneAt: null },
    { ids: { commandId: "one" }, isRepeated: true, doneAt: null },
  ]);
  expect([one.calls.onRepeated, two.calls.onRepeated]).toEqual([0, 1]);
});

test("a request refused first is refused with the same error for a concurrent repetition that would accept it", async () => {
  const [one, two] = [await undecided("refused"), await undecided("refused")];
  const expected = {
    code: "channel_logged_out",
    message: "not now",
    details: { why: "test" },
    retryable: true,
  };
  await expect(one.once.decide(refused)).rejects.toMatchObject(expected);
  await expect(two.once.decide(() => ({ commandId: "two" }))).rejects.toMatchObject(expected);
  await expect(undecided("refused")).rejects.toMatchObject(expected);
});

test("a different request under the same id is refused even when both run at once", async () => {
  const [one, two] = [await undecided("other"), await undecided("other", "another")];
  await one.once.decide(() => ({ commandId: "one" }));
  const reused = { code: "idempotency_key_reused" };
  await expect(two.once.decide(() => ({ commandId: "two" }))).rejects.toMatchObject(reused);
  expect(two.calls.onRepeated).toBe(0);
});

test("an unexpected error stores no decision", async () => {
  const { once } = await undecided("bug");
  const bug = () => {
    throw new TypeError("oops");
  };
  await expect(once.decide(bug)).rejects.toThrow(TypeError);
  expect(await requests.findRequest("bug")).toBeNull();
});

test("a refusal of an accepted request is repeated from then on", async () => {
  const { once } = await undecided("late");
  await once.decide(() => ({ commandId: "one" }));
  const refusal = new ServiceError("command_not_cancellable");
  await expect(once.refuse(refusal)).rejects.toBe(refusal);
  await expect(undecided("late")).rejects.toMatchObject({ code: "command_not_cancellable" });
});

test("storeRefusal does not replace an earlier decision", async () => {
  const { once } = await undecided("kept");
  await once.decide(() => ({ commandId: "one" }));
  await once.storeRefusal(new ServiceError("channel_not_found"));
  expect(await requests.findRequest("kept")).toEqual({ hash: "same", ids: { commandId: "one" } });
});

test("a repetition gets the time at which the resource was created", async () => {
  const { once } = await undecided("made");
  await once.decide(() => ({ channelId: "one" }));
  await once.finish(new Date(1_000));
  const again = keyedOnce({ requests, id: "made", hash: "same", onRepeated: () => undefined });
  await again.recall();
  expect(await again.decide(refused)).toEqual({
    ids: { channelId: "one" },
    isRepeated: true,
    doneAt: new Date(1_000),
  });
});

test("requests without a key are independent", async () => {
  expect(await unkeyed.decide(() => ({ commandId: "one" }))).toMatchObject({ isRepeated: false });
  await expect(unkeyed.refuse(new ServiceError("channel_not_found"))).rejects.toThrow(ServiceError);
});
