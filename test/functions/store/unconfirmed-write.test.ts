import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "#functions/store/store.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

/** Writes, but gets no confirmation. */
const unconfirmed =
  <G extends unknown[], T>(write: (...args: G) => Promise<T>) =>
  async (...args: G): Promise<T> => {
    await write(...args);
    return databaseAnswer(new Promise<never>(() => undefined), 1);
  };

const breaking = (store: Store): Store => ({
  ...store,
  createChannel: unconfirmed(store.createChannel),
  insertCommand: unconfirmed(store.insertCommand),
});

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture({ withStore: breaking });
});
afterAll(() => functions[Symbol.asyncDispose]());

test("503: an unconfirmed send has the ids that may have been accepted and is not retryable", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "hi" },
  });
  const { _id: commandId, messageId } = await functions.command(channelId, "message.send");
  expect(status).toBe(503);
  expect(body.error).toMatchObject({
    code: "database_unavailable",
    retryable: false,
    details: { commandId, messageId },
    message: expect.stringMatching(/may have been accepted/),
  });
  expect((await functions.call("GET", `/commands/${commandId}`)).body.payload).toMatchObject({
    state: "queued",
    messageId,
  });
});

test("503: an unconfirmed disconnect is retryable", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("POST", `/channels/${channelId}/disconnect`);
  const { _id: commandId } = await functions.command(channelId, "channel.disconnect");
  expect(status).toBe(503);
  expect(body.error).toMatchObject({ retryable: true, details: { commandId } });
});

test("503: an unconfirmed creation has the channel id", async () => {
  const { status, body } = await functions.call("POST", "/channels", { body: { name: "Shop" } });
  expect(status).toBe(503);
  const { channelId } = body.error.details;
  expect((await functions.call("GET", `/channels/${channelId}`)).status).toBe(200);
});

test("503: a failure before the write is retryable and has no ids", async () => {
  await using before = await functionsFixture({
    withStore: (store) => ({
      ...store,
      findChannel: () => databaseAnswer(new Promise<never>(() => undefined), 1),
    }),
  });
  const channelId = await before.addChannel();
  const { status, body } = await before.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "hi" },
  });
  expect(status).toBe(503);
  expect(body.error).toMatchObject({ code: "database_unavailable", retryable: true });
  expect(body.error).not.toHaveProperty("details");
});
