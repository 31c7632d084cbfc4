import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "#functions/store/store.ts";
import { databaseAnswer } from "#shared/database-answer.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

/** Writes, and hears nothing of it. */
const unheard =
  <G extends unknown[], T>(write: (...given: G) => Promise<T>) =>
  async (...given: G): Promise<T> => {
    await write(...given);
    return databaseAnswer(new Promise<never>(() => undefined), 1);
  };

const breaking = (store: Store): Store => ({
  ...store,
  createChannel: unheard(store.createChannel),
  insertCommand: unheard(store.insertCommand),
});

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture({ withStore: breaking });
});
afterAll(() => functions[Symbol.asyncDispose]());

test("503: a send that the database did not confirm says what may have been accepted, and not to send again", async () => {
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

test("503: a disconnect that was not confirmed may be asked for again", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("POST", `/channels/${channelId}/disconnect`);
  const { _id: commandId } = await functions.command(channelId, "channel.disconnect");
  expect(status).toBe(503);
  expect(body.error).toMatchObject({ retryable: true, details: { commandId } });
});

test("503: a channel whose creation was not confirmed is named", async () => {
  const { status, body } = await functions.call("POST", "/channels", { body: { name: "Shop" } });
  expect(status).toBe(503);
  const { channelId } = body.error.details;
  expect((await functions.call("GET", `/channels/${channelId}`)).status).toBe(200);
});

test("503: what failed before anything was written may be asked for again", async () => {
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
