import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
  await functions.addConnector();
});
afterAll(() => functions[Symbol.asyncDispose]());

const succeeded = (status: string) => ({ state: "succeeded" as const, result: { status } });

test("202: connect stores the wish, rings the connector and answers the status it reports", async () => {
  const channelId = await functions.addChannel();
  const pending = functions.call("POST", `/channels/${channelId}/connect`, {
    body: { phoneNumber: "+1 555 123 4567" },
  });
  const command = await functions.settle(channelId, "channel.connect", succeeded("pairing_code_ready"));
  expect(command).toMatchObject({ channelId, payload: { phoneNumber: "15551234567" }, lane: 0, attempts: 0 });
  const { status, body, headers } = await pending;
  expect(status).toBe(202);
  expect(body).toEqual({
    ok: true,
    message: "Connection initiated",
    channelId,
    status: "pairing_code_ready",
  });
  expect(headers.get("location")).toBe(`/api/whatsapp/commands/${command._id}`);
  expect((await functions.db.channels.findOne({ _id: channelId }))?.wanted).toBe("connected");
  expect(functions.rung).toContain(channelId);
});

test("202: connect without a body answers `connecting` when no result arrives in time", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("POST", `/channels/${channelId}/connect`, {
    headers: { Prefer: "wait=0" },
  });
  expect([status, body.status]).toEqual([202, "connecting"]);
});

test("429: a refusal by the connector is answered with its code and the command id", async () => {
  const channelId = await functions.addChannel();
  const pending = functions.call("POST", `/channels/${channelId}/connect`, {
    body: { phoneNumber: "15551234567" },
  });
  const command = await functions.settle(channelId, "channel.connect", {
    state: "failed",
    error: { code: "pairing_rate_limited", message: "Too many", details: { retryAfterSeconds: 1_200 } },
  });
  const { status, headers, body } = await pending;
  expect([status, headers.get("retry-after")]).toEqual([429, "1200"]);
  expect(body.error).toMatchObject({
    code: "pairing_rate_limited",
    message: "Too many",
    retryable: true,
    details: { commandId: command._id, retryAfterSeconds: 1_200 },
  });
});

test("200: disconnect stores the wish and keeps the link", async () => {
  const channelId = await functions.addChannel({ status: "active", wanted: "connected" });
  const pending = functions.call("POST", `/channels/${channelId}/disconnect`);
  await functions.settle(channelId, "channel.disconnect", succeeded("inactive"));
  const { status, body } = await pending;
  expect(status).toBe(200);
  expect(body).toEqual({ ok: true, message: "Channel disconnected", channelId, status: "inactive" });
  expect((await functions.db.channels.findOne({ _id: channelId }))?.wanted).toBe("disconnected");
});

test("200: logout answers `logged_out`", async () => {
  const channelId = await functions.addChannel({ status: "active", wanted: "connected" });
  const pending = functions.call("POST", `/channels/${channelId}/logout`, { body: {} });
  await functions.settle(channelId, "channel.logout", succeeded("logged_out"));
  const { status, body } = await pending;
  expect(status).toBe(200);
  expect(body).toEqual({ ok: true, message: "Channel logged out", channelId, status: "logged_out" });
  expect((await functions.db.channels.findOne({ _id: channelId }))?.wanted).toBe("disconnected");
});

test("202: disconnect and logout answer the command id when they are not executed in time", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  for (const action of ["disconnect", "logout"]) {
    const { status, body, headers } = await functions.call("POST", `/channels/${channelId}/${action}`, {
      headers: { Prefer: "respond-async" },
    });
    expect(status).toBe(202);
    expect(body.payload).toEqual({ channelId, status: "queued", commandId: expect.any(String) });
    expect(headers.get("location")).toBe(`/api/whatsapp/commands/${body.payload.commandId}`);
    const { expiresAt, createdAt } = await functions.command(channelId, `channel.${action}`);
    expect(expiresAt.getTime() - createdAt.getTime()).toBe(action === "logout" ? 86_400_000 : 120_000);
  }
});

test("200: delete is answered once a connector has erased the channel and its commands", async () => {
  const channelId = await functions.addChannel({ status: "active", wanted: "connected" });
  const pending = functions.call("DELETE", `/channels/${channelId}`);
  await functions.command(channelId, "channel.delete");
  expect(await functions.db.channels.findOne({ _id: channelId })).toMatchObject({
    deletedAt: expect.any(Date),
    wanted: "disconnected",
  });
  expect((await functions.call("GET", `/channels/${channelId}`)).status).toBe(404);
  await functions.db.commands.deleteMany({ channelId });
  const { status, body } = await pending;
  expect(status).toBe(200);
  expect(body).toEqual({ ok: true, payload: { channelId } });
});

test("200: delete is answered when its command has succeeded, which the key that made it and administrators can read", async () => {
  const channelId = await functions.addChannel({ status: "active" });
  const [maker, other] = [
    await functions.addKey({ scopes: ["channels:write", "messages:read"], channels: [channelId] }),
    await functions.addKey({ scopes: ["channels:write", "messages:read"], channels: [channelId] }),
  ];
  const pending = functions.call("DELETE", `/channels/${channelId}`, { key: maker });
  const command = await functions.settle(channelId, "channel.delete", { state: "succeeded", result: {} });
  expect(await pending).toMatchObject({ status: 200, body: { ok: true, payload: { channelId } } });
  const read = (key?: string) => functions.call("GET", `/commands/${command._id}`, { ...(key && { key }) });
  for (const { status, body } of [await read(maker), await read()]) {
    expect([status, body.payload.state]).toEqual([200, "succeeded"]);
  }
  expect((await read(other)).status).toBe(404);
});

test("422: a repeated deletion tells that WhatsApp never confirmed it, as its command does", async () => {
  const channelId = await functions.addChannel();
  const remove = (prefer: string) =>
    functions.call("DELETE", `/channels/${channelId}`, {
      headers: { "Idempotency-Key": "unconfirmed", Prefer: prefer },
    });
  expect((await remove("wait=0")).status).toBe(202);
  const error = { code: "expired", message: "Erased, but not confirmed" } as const;
  await functions.settle(channelId, "channel.delete", { state: "failed", error });
  await functions.db.channels.deleteOne({ _id: channelId });
  const { status, body } = await remove("wait=1");
  expect([status, body.error.code, body.error.message]).toEqual([422, error.code, error.message]);
});

test("202, then 404: a deleted channel is gone at once, even before it is erased", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("DELETE", `/channels/${channelId}`, {
    headers: { Prefer: "wait=0" },
  });
  expect([status, body.payload.status]).toEqual([202, "queued"]);
  for (const [method, path] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/connect"],
  ] as const)
    expect((await functions.call(method, `/channels/${channelId}${path}`)).status).toBe(404);
});

test("404: a waiting call reports that its channel was deleted", async () => {
  const channelId = await functions.addChannel();
  const pending = functions.call("POST", `/channels/${channelId}/disconnect`);
  await functions.command(channelId, "channel.disconnect");
  await functions.db.commands.deleteMany({ channelId });
  const { status, body } = await pending;
  expect([status, body.error.code]).toEqual([404, "channel_not_found"]);
});

test("400: an unknown field is refused by a call without fields", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("POST", `/channels/${channelId}/disconnect`, {
    body: { force: true },
  });
  expect([status, body.error.details[0].field]).toEqual([400, "force"]);
});
