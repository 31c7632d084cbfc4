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

/** A request that has looked, and found that it was not decided before. */
async function undecided(id: string, hash = "same") {
  const heard = { repeated: 0 };
  const once = keyedOnce({ requests, id, hash, repeated: () => heard.repeated++ });
  await once.recall();
  return { once, heard };
}
const refused = () => {
  throw new ServiceError("channel_logged_out", "not now", { details: { why: "test" }, retryable: true });
};

test("what is accepted first is accepted for who would have refused it meanwhile", async () => {
  const [one, two] = [await undecided("accepted"), await undecided("accepted")];
  const first = await one.once.decide(() => ({ commandId: "one" }));
  const second = await two.once.decide(refused);
  expect([first, second]).toEqual([
    { ids: { commandId: "one" }, isRepeated: false, doneAt: null },
    { ids: { commandId: "one" }, isRepeated: true, doneAt: null },
  ]);
  expect([one.heard.repeated, two.heard.repeated]).toEqual([0, 1]);
});

test("what is refused first is refused for who would have accepted it meanwhile, in the same words", async () => {
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

test("another request that comes in the same moment is told so", async () => {
  const [one, two] = [await undecided("other"), await undecided("other", "another")];
  await one.once.decide(() => ({ commandId: "one" }));
  const reused = { code: "idempotency_key_reused" };
  await expect(two.once.decide(() => ({ commandId: "two" }))).rejects.toMatchObject(reused);
  expect(two.heard.repeated).toBe(0);
});

test("a bug decides nothing", async () => {
  const { once } = await undecided("bug");
  const bug = () => {
    throw new TypeError("oops");
  };
  await expect(once.decide(bug)).rejects.toThrow(TypeError);
  expect(await requests.findRequest("bug")).toBeNull();
});

test("a refusal after it was accepted stands from then on", async () => {
  const { once } = await undecided("late");
  await once.decide(() => ({ commandId: "one" }));
  const refusal = new ServiceError("command_not_cancellable");
  await expect(once.refuse(refusal)).rejects.toBe(refusal);
  await expect(undecided("late")).rejects.toMatchObject({ code: "command_not_cancellable" });
});

test("what was decided is not undone by a refusal to be kept", async () => {
  const { once } = await undecided("kept");
  await once.decide(() => ({ commandId: "one" }));
  await once.keepRefusal(new ServiceError("channel_not_found"));
  expect(await requests.findRequest("kept")).toEqual({ hash: "same", ids: { commandId: "one" } });
});

test("when it was made is told to who asks again", async () => {
  const { once } = await undecided("made");
  await once.decide(() => ({ channelId: "one" }));
  await once.finish(new Date(1_000));
  const again = keyedOnce({ requests, id: "made", hash: "same", repeated: () => undefined });
  await again.recall();
  expect(await again.decide(refused)).toEqual({
    ids: { channelId: "one" },
    isRepeated: true,
    doneAt: new Date(1_000),
  });
});

test("without a key every request is on its own", async () => {
  expect(await unkeyed.decide(() => ({ commandId: "one" }))).toMatchObject({ isRepeated: false });
  await expect(unkeyed.refuse(new ServiceError("channel_not_found"))).rejects.toThrow(ServiceError);
});
