import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

async function queuedSend(): Promise<{ channelId: string; commandId: string; messageId: string }> {
  const channelId = await functions.addChannel();
  const { body } = await functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "a secret" },
  });
  return { channelId, ...body.payload };
}

test("200: a command is shown before and after its end, without its payload", async () => {
  const { channelId, commandId, messageId } = await queuedSend();
  const before = await functions.call("GET", `/commands/${commandId}`);
  expect(before.status).toBe(200);
  expect(before.body.payload).toEqual({
    commandId,
    channelId,
    type: "message.send",
    state: "queued",
    messageId,
    attempts: 0,
    createdAt: expect.any(String),
    expiresAt: expect.any(String),
  });
  const error = { code: "invalid_command" as const, message: "no", details: [{ field: "to", message: "x" }] };
  await functions.settle(channelId, "message.send", { state: "failed", error });
  const after = await functions.call("GET", `/commands/${commandId}`);
  expect(after.body.payload).toMatchObject({ state: "failed", error, doneAt: expect.any(String) });
  expect(JSON.stringify(after.body)).not.toContain("a secret");
});

test("200: another service's command is shown before it is adopted", async () => {
  const channelId = await functions.addChannel();
  await functions.db.commands.insertOne({
    _id: "theirs",
    channelId,
    type: "message.send",
    payload: {},
  } as never);
  const { status, body } = await functions.call("GET", "/commands/theirs");
  expect(status).toBe(200);
  expect(body.payload).toEqual({
    commandId: "theirs",
    channelId,
    type: "message.send",
    state: "queued",
    attempts: 0,
  });
});

test("200: another service's command is shown although its fields have wrong types", async () => {
  const channelId = await functions.addChannel();
  const error = { code: "invalid_command", message: "no" };
  const doneAt = new Date();
  await functions.db.commands.insertOne({
    _id: "odd",
    channelId,
    type: 7,
    messageId: 5,
    createdAt: "yesterday",
    expiresAt: "soon",
    result: "none",
    state: "failed",
    attempts: 0,
    doneAt,
    error,
  } as never);
  const { status, body } = await functions.call("GET", "/commands/odd");
  expect([status, body.payload]).toEqual([
    200,
    {
      commandId: "odd",
      channelId,
      type: "",
      state: "failed",
      attempts: 0,
      doneAt: doneAt.toISOString(),
      error,
    },
  ]);
});

test("200: only a key that may pair sees a pairing code", async () => {
  const channelId = await functions.addChannel();
  const { body } = await functions.call("POST", `/channels/${channelId}/pairing-code`, {
    body: { phoneNumber: "15551234567" },
  });
  await functions.settle(channelId, "channel.request_pairing_code", {
    state: "succeeded",
    result: { code: "ABCD1234", expiresAt: new Date().toISOString() },
  });
  const path = `/commands/${body.payload.commandId}`;
  const reader = await functions.addKey({ scopes: ["messages:read"] });
  const forReader = await functions.call("GET", path, { key: reader });
  expect(forReader.body.payload.state).toBe("succeeded");
  expect(forReader.body.payload.result).toBeUndefined();
  expect((await functions.call("GET", path)).body.payload.result.code).toBe("ABCD1234");
});

test("404: an unknown command and one outside the key's channels are not found", async () => {
  const { commandId } = await queuedSend();
  const key = await functions.addKey({ channels: [await functions.addChannel()] });
  for (const [path, options] of [
    ["/commands/nothing", {}],
    [`/commands/${commandId}`, { key }],
  ] as const) {
    const { status, body } = await functions.call("GET", path, options);
    expect([status, body.error.code]).toEqual([404, "command_not_found"]);
  }
});
