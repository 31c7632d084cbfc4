import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
});
afterAll(() => functions[Symbol.asyncDispose]());

const noChannel = "00000000-0000-4000-8000-000000000000";

test("201: a channel is created as requested, and Location is its URL", async () => {
  const { status, headers, body } = await functions.call("POST", "/channels", {
    body: { name: "My WhatsApp Business", phoneNumber: "1234567890" },
  });
  expect(status).toBe(201);
  const { channelId } = body.payload;
  expect(body).toMatchObject({
    ok: true,
    payload: {
      channelId,
      name: "My WhatsApp Business",
      type: "whatsapp_automated",
      status: "inactive",
      phoneNumber: "1234567890",
    },
  });
  expect(headers.get("location")).toBe(`/api/whatsapp/channels/${channelId}`);
  const read = await functions.call("GET", `/channels/${channelId}`);
  expect(read.body).toEqual(body);
});

test("201: the row has every field that the connector expects, with the database's times", async () => {
  const { body } = await functions.call("POST", "/channels", { body: { name: "Row" } });
  const row = await functions.db.channels.findOne({ _id: body.payload.channelId });
  expect(row).toEqual({
    _id: body.payload.channelId,
    channelId: body.payload.channelId,
    type: "whatsapp_automated",
    name: "Row",
    metadata: {},
    config: { phoneNumber: null, qrCode: null, pairingCode: null },
    pairing: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    lastDisconnect: null,
    lastStatusUpdate: expect.any(Date),
    wanted: "disconnected",
    owner: { connector: null, epoch: 0 },
    lid: null,
    createdAt: expect.any(Date),
    deletedAt: null,
    givenNumber: null,
  });
});

test("201: a formatted number is stored as digits", async () => {
  const { body } = await functions.call("POST", "/channels", {
    body: { name: "Number", phoneNumber: "+1 555-123-4567" },
  });
  expect(body.payload.phoneNumber).toBe("15551234567");
});

test("201: names and metadata may hold any text, even MongoDB operators", async () => {
  const odd = { name: "$name", metadata: { $set: "$name", "a.b": { $ne: null }, list: [1, null, "x"] } };
  const { status, body } = await functions.call("POST", "/channels", { body: odd });
  expect(status).toBe(201);
  expect(body.payload).toMatchObject(odd);
  const patched = await functions.call("PATCH", `/channels/${body.payload.channelId}`, {
    body: { metadata: { $inc: { n: 1 } } },
  });
  expect(patched.status).toBe(200);
  expect(patched.body.payload.metadata).toEqual({ $inc: { n: 1 } });
});

test.each([
  ["no name", {}, "name"],
  ["an empty name", { name: " " }, "name"],
  ["a name of 10,000 characters", { name: "x".repeat(10_000) }, "name"],
  ["a name that is not a string", { name: 5 }, "name"],
  ["an invalid number", { name: "a", phoneNumber: "call me" }, "phoneNumber"],
  ["a number with a leading 0", { name: "a", phoneNumber: "0123456789" }, "phoneNumber"],
  ["metadata over 8 KB", { name: "a", metadata: { text: "x".repeat(9_000) } }, "metadata"],
  ["metadata that is a list", { name: "a", metadata: [] }, "metadata"],
  ["metadata nested 40 deep", { name: "a", metadata: nested(40) }, "metadata"],
  ["metadata with a NUL in a key", { name: "a", metadata: { "a\0b": 1 } }, "metadata"],
  ["an unknown field", { name: "a", colour: "red" }, "colour"],
  ["a body that is not an object", [], ""],
])("400: %s is refused", async (_what, body, field) => {
  const answer = await functions.call("POST", "/channels", { body });
  expect(answer.status).toBe(400);
  expect(answer.body.error.code).toBe("invalid_request");
  expect(answer.body.error.details).toEqual([{ field, message: expect.any(String) }]);
});

function nested(depth: number): object {
  return depth === 0 ? {} : { inner: nested(depth - 1) };
}

test("400: one answer lists every mistake", async () => {
  const { body } = await functions.call("POST", "/channels", { body: { name: 1, phoneNumber: "x", z: 1 } });
  expect(body.error.details.map(({ field }: { field: string }) => field).sort()).toEqual([
    "name",
    "phoneNumber",
    "z",
  ]);
});

test("403: a key limited to channels cannot create one", async () => {
  const key = await functions.addKey({ channels: [noChannel] });
  const { status, body } = await functions.call("POST", "/channels", { key, body: { name: "a" } });
  expect([status, body.error.code]).toEqual([403, "insufficient_scope"]);
});

test("200: the status comes from the database, with its reason", async () => {
  const retryAt = new Date("2030-01-01T00:00:00Z");
  const channelId = await functions.addChannel({ status: "error", reason: "temporarily_banned", retryAt });
  const { status, body } = await functions.call("GET", `/channels/${channelId}/status`);
  expect(status).toBe(200);
  expect(body).toEqual({
    ok: true,
    payload: {
      channelId,
      name: "Shop",
      status: "error",
      lastStatusUpdate: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      isActive: false,
      reason: "temporarily_banned",
      retryAt: "2030-01-01T00:00:00.000Z",
    },
  });
});

test("200: a channel never shows its codes", async () => {
  const pairing = { kind: "qr" as const, text: "2@secret", attempt: 1, of: 6, expiresAt: new Date() };
  const config = { phoneNumber: "15551234567", qrCode: "data:secret", pairingCode: "SECRET12" };
  const channelId = await functions.addChannel({ status: "qr_ready", pairing, config });
  const { body } = await functions.call("GET", `/channels/${channelId}`);
  expect(body.payload.phoneNumber).toBe("15551234567");
  expect(JSON.stringify(body)).not.toMatch(/secret/i);
});

test("200: PATCH changes only the given fields", async () => {
  const channelId = await functions.addChannel({ metadata: { a: 1 } });
  const { status, body } = await functions.call("PATCH", `/channels/${channelId}`, { body: { name: "New" } });
  expect(status).toBe(200);
  expect(body.payload).toMatchObject({ channelId, name: "New", metadata: { a: 1 } });
});

test.each([
  ["nothing to change", {}],
  ["a field that cannot be changed", { status: "active" }],
])("400: PATCH with %s is refused", async (_what, body) => {
  const channelId = await functions.addChannel();
  const answer = await functions.call("PATCH", `/channels/${channelId}`, { body });
  expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_request"]);
});

test.each([
  ["GET", `/channels/${noChannel}`],
  ["GET", `/channels/${noChannel}/status`],
  ["GET", `/channels/${noChannel}/qr`],
  ["PATCH", `/channels/${noChannel}`],
  ["DELETE", `/channels/${noChannel}`],
  ["POST", `/channels/${noChannel}/connect`],
  ["POST", `/channels/${noChannel}/disconnect`],
  ["POST", `/channels/${noChannel}/logout`],
  ["POST", `/channels/${noChannel}/pairing-code`],
  ["POST", `/channels/${noChannel}/send`],
  ["POST", `/channels/${noChannel}/send-media`],
])("404: %s %s finds no channel", async (method, path) => {
  const { status, body } = await functions.call(method, path);
  expect([status, body.error.code]).toEqual([404, "channel_not_found"]);
});

test("404: a deleted channel, one outside the key's channels and an operator as id are not found", async () => {
  const deleted = await functions.addChannel({ deletedAt: new Date() });
  const other = await functions.addChannel();
  const key = await functions.addKey({ channels: [deleted] });
  expect((await functions.call("GET", `/channels/${deleted}`)).status).toBe(404);
  expect((await functions.call("GET", `/channels/${other}`, { key })).status).toBe(404);
  expect((await functions.call("GET", "/channels/%7B%22%24ne%22%3Anull%7D")).status).toBe(404);
  expect((await functions.call("GET", "/channels/%00%ff")).status).toBe(404);
});
