import { ObjectId } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandDocument } from "#shared/collections.ts";
import { commandStates } from "#shared/commands.ts";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture({ settings: { sendTtlSeconds: 77 } });
  await functions.addConnector();
});
afterAll(() => functions[Symbol.asyncDispose]());

/** Adds a send that a connector has ended; dead by default. */
async function endedSend(end: Partial<CommandDocument> = {}) {
  const channelId = await functions.addChannel({ status: "active" });
  const sent = await functions.call("POST", `/channels/${channelId}/send`, {
    body: { to: "15551234567", message: "hi" },
    headers: { Prefer: "wait=0" },
  });
  const { commandId, messageId } = sent.body.payload as { commandId: string; messageId: string };
  await functions.db.commands.updateOne(
    { _id: commandId },
    {
      $set: {
        state: "dead",
        attempts: 3,
        claim: { connector: "c", epoch: 1, at: new Date() },
        error: { code: "not_sent", message: "no" },
        doneAt: new Date(),
        expiresAt: new Date(0),
        ...end,
      },
    },
  );
  return { channelId, commandId, messageId };
}
const retry = (commandId: string, headers: Record<string, string> = {}, key?: string) =>
  functions.call("POST", `/commands/${commandId}/retry`, { headers, ...(key && { key }) });
const stored = async (commandId: string) => {
  const command = await functions.db.commands.findOne({ _id: commandId });
  if (!command) throw new Error(`no command ${commandId}`);
  return command;
};

test.each(["dead", "expired"] as const)(
  "202: a message that is %s is queued again as new, behind the others",
  async (state) => {
    const { channelId, commandId, messageId } = await endedSend({
      state,
      relayStartedAt: new Date(),
      resentAt: new Date(),
      result: {},
    });
    const before = await stored(commandId);
    const later = await functions.call("POST", `/channels/${channelId}/send`, {
      body: { to: "15551234567", message: "later" },
      headers: { Prefer: "wait=0" },
    });
    const { status, body, headers } = await retry(commandId);
    expect([status, body]).toEqual([
      202,
      {
        ok: true,
        message: "Message queued",
        payload: { messageId, to: "15551234567@s.whatsapp.net", type: "text", status: "queued", commandId },
      },
    ]);
    expect(headers.get("location")).toBe(`/api/whatsapp/commands/${commandId}`);
    const after = await stored(commandId);
    expect(after).toEqual({
      _id: commandId,
      channelId,
      type: "message.send",
      lane: 1,
      payload: before.payload,
      messageId,
      keyId: before.keyId,
      createdAt: before.createdAt,
      state: "queued",
      attempts: 0,
      ord: expect.anything(),
      notBefore: expect.any(Date),
      expiresAt: expect.any(Date),
    });
    expect(after.expiresAt.getTime() - after.notBefore.getTime()).toBe(77_000);
    const { ord } = await stored(later.body.payload.commandId);
    expect(after.ord.toBigInt()).toBeGreaterThan(ord.toBigInt());
    expect(functions.rung.filter((id) => id === channelId)).toHaveLength(3);
  },
);

test("200, 409: a retry waits if Prefer asks for it, and a sent message cannot be retried", async () => {
  const { channelId, commandId, messageId } = await endedSend();
  const pending = retry(commandId, { Prefer: "wait=30" });
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const { status, body, headers } = await pending;
  expect([status, body.message, body.payload.messageId]).toEqual([200, "Message sent", messageId]);
  expect(headers.get("preference-applied")).toBe("wait=30");
  expect((await retry(commandId)).status).toBe(409);
});

test("200: another service's message is retried by its ObjectId", async () => {
  const { channelId, commandId } = await endedSend();
  const { _id, messageId: __, ...theirs } = await stored(commandId);
  const objectId = new ObjectId();
  await functions.db.commands.deleteOne({ _id });
  await functions.db.commands.insertOne({ ...theirs, _id: objectId as never });
  const pending = retry(objectId.toHexString(), { Prefer: "wait=30" });
  await functions.settle(channelId, "message.send", { state: "succeeded", result: {} });
  const { status, headers } = await pending;
  expect([status, headers.get("location")]).toEqual([
    200,
    `/api/whatsapp/commands/${objectId.toHexString()}`,
  ]);
});

/** Ends a send under an id that another service chose. */
async function renamed(_id: string) {
  const { channelId, commandId } = await endedSend();
  const { _id: former, messageId: __, ...theirs } = await stored(commandId);
  await functions.db.commands.deleteOne({ _id: former });
  await functions.db.commands.insertOne({ ...theirs, _id });
  return channelId;
}

test.each(["order/17", "é 100 %", "a\r\nSet-Cookie: b=c", "\u0001", "訂單 #17?x=1&y"])(
  "202: the id %j, which another service chose, is encoded in Location",
  async (id) => {
    await renamed(id);
    const { status, headers } = await retry(encodeURIComponent(id));
    expect(status).toBe(202);
    const location = headers.get("location") ?? "";
    expect(location).toMatch(/^\/api\/whatsapp\/commands\/[\w%.~!*'()-]+$/);
    expect((await functions.call("GET", location)).body.payload.commandId).toBe(id);
  },
);

test("202: a command and a key that read alike when joined are another request than their neighbours", async () => {
  await renamed("order");
  await renamed("order/retry x");
  await retry("order", { "Idempotency-Key": "x/retry k" });
  const { status, headers } = await retry(encodeURIComponent("order/retry x"), { "Idempotency-Key": "k" });
  expect([status, headers.get("idempotency-replayed")]).toEqual([202, null]);
});

test("422: a message whose payload is not valid is not queued", async () => {
  const { commandId } = await endedSend({ payload: { to: 5 } });
  const { status, body } = await retry(commandId);
  expect([status, body.error.code]).toEqual([422, "invalid_command"]);
  expect((await stored(commandId)).state).toBe("dead");
});

const others = commandStates.filter((state) => state !== "dead" && state !== "expired");
test.each(others)("409: a message that is %s stays so", async (state) => {
  const { commandId } = await endedSend({ state });
  const before = await stored(commandId);
  const { status, body } = await retry(commandId);
  expect([status, body.error.code, body.error.details.state]).toEqual([409, "command_not_retryable", state]);
  expect(await stored(commandId)).toEqual(before);
});

test("202, 409: one of several concurrent retries succeeds", async () => {
  const { commandId } = await endedSend();
  const answers = await Promise.all(Array.from({ length: 6 }, () => retry(commandId)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409, 409, 409, 409]);
});

test("202: concurrent retries under one key are one, and do not undo a later end", async () => {
  const { commandId } = await endedSend();
  const headers = { "Idempotency-Key": "again" };
  const answers = await Promise.all(Array.from({ length: 6 }, () => retry(commandId, headers)));
  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    answers.map(() => [202, answers[0]?.body]),
  );
  expect(answers[0]?.status).toBe(202);
  const end = { state: "dead" as const, doneAt: new Date(Date.now() + 60_000) };
  await functions.db.commands.updateOne({ _id: commandId }, { $set: end });
  expect((await retry(commandId, headers)).headers.get("idempotency-replayed")).toBe("true");
  expect((await stored(commandId)).state).toBe("dead");
  expect((await retry(commandId, { "Idempotency-Key": "once-more" })).status).toBe(202);
  expect((await stored(commandId)).state).toBe("queued");
});

test("202: a message without a message id gets one and keeps it", async () => {
  const { commandId } = await endedSend();
  await functions.db.commands.updateOne({ _id: commandId }, { $unset: { messageId: "" } });
  const { body } = await retry(commandId);
  expect(body.payload.messageId).toMatch(/^3EB0[0-9A-F]{18}$/);
  expect((await stored(commandId)).messageId).toBe(body.payload.messageId);
});

test("409: a control command cannot be retried", async () => {
  const { commandId } = await endedSend({ type: "channel.connect", lane: 0, state: "expired" });
  const { status, body } = await retry(commandId);
  expect([status, body.error.code]).toEqual([409, "command_not_retryable"]);
});

test("409, 404: a retry is refused on a logged-out, a deleted and an uncovered channel", async () => {
  const { channelId, commandId } = await endedSend();
  const key = await functions.addKey({ channels: ["another"] });
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { status: "logged_out" } });
  const loggedOut = await retry(commandId);
  await functions.db.channels.updateOne({ _id: channelId }, { $set: { deletedAt: new Date() } });
  const answers = [
    loggedOut,
    await retry(commandId),
    await retry(commandId, {}, key),
    await retry("nothing"),
  ];
  expect(answers.map(({ status, body }) => [status, body.error.code])).toEqual([
    [409, "channel_logged_out"],
    [404, "channel_not_found"],
    [404, "command_not_found"],
    [404, "command_not_found"],
  ]);
  expect((await stored(commandId)).state).toBe("dead");
});
