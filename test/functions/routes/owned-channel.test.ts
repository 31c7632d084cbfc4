import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ServiceError } from "#shared/errors.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

/** The connector of this process takes every channel for its own, and takes no send past the queue. */
let functions: FunctionsFixture;
let isReadable = true;
beforeAll(async () => {
  functions = await functionsFixture({
    ownedChannel: (channelId) => ({
      channel: { channelId, status: "active" },
      now: new Date(0),
      isOwned: true,
    }),
    withStore: (store) => ({
      ...store,
      findChannel: (channelId) =>
        isReadable
          ? store.findChannel(channelId)
          : Promise.reject(new ServiceError("database_unavailable", undefined, { retryable: true })),
    }),
  });
});
beforeEach(() => {
  isReadable = true;
});
afterAll(() => functions[Symbol.asyncDispose]());

const send = (channelId: string, headers: Record<string, string> = {}) =>
  functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15550100001", message: "Hello" },
    headers: { Prefer: "respond-async", ...headers },
  });
const commandsOf = (channelId: string) => functions.db.commands.countDocuments({ channelId });
const markDeleted = (_id: string) =>
  functions.db.channels.updateOne({ _id }, { $set: { deletedAt: new Date() } });

test("202: a send that has to be queued is dated by the database, not by the owner's clock", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  expect((await send(channelId)).status).toBe(202);
  const { createdAt } = await functions.command(channelId, "message.send");
  expect(createdAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
});

test("404: a send that has to be queued, on a channel that another process has deleted, writes nothing", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  await markDeleted(channelId);
  const { status, body } = await send(channelId);
  expect([status, body.error.code, await commandsOf(channelId)]).toEqual([404, "channel_not_found", 0]);
});

test("404: a send repeated under its key, on a channel that was deleted since", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const keyed = { "Idempotency-Key": "an order" };
  expect((await send(channelId, keyed)).status).toBe(202);
  await markDeleted(channelId);
  expect((await send(channelId, keyed)).status).toBe(404);
});

test("503: a read that fails before the send is queued leaves no doubt", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  isReadable = false;
  const { status, body } = await send(channelId);
  expect([status, body.error.code, body.error.retryable]).toEqual([503, "database_unavailable", true]);
  expect([body.error.details, await commandsOf(channelId)]).toEqual([undefined, 0]);
});
