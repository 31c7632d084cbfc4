import { toDataURL } from "qrcode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FunctionsFixture, functionsFixture } from "../functions.fixture.ts";

let functions: FunctionsFixture;
beforeAll(async () => {
  functions = await functionsFixture();
  await functions.addConnector();
});
afterAll(() => functions[Symbol.asyncDispose]());

const text = "2@abc,def,ghi";
const unexpired = new Date(Date.now() + 3_600_000);

async function channelWithQr(expiresAt: Date): Promise<string> {
  const pairing = { kind: "qr" as const, text, attempt: 2, of: 6, expiresAt };
  const config = { phoneNumber: null, qrCode: await toDataURL(text), pairingCode: null };
  return functions.addChannel({ status: "qr_ready", pairing, config });
}

test("200: the QR code is served as JSON", async () => {
  const channelId = await channelWithQr(unexpired);
  const { status, body } = await functions.call("GET", `/channels/${channelId}/qr`);
  expect(status).toBe(200);
  expect(body).toEqual({
    ok: true,
    payload: { qr: text, attempt: 2, of: 6, expiresAt: unexpired.toISOString() },
  });
});

test.each([
  ["text/plain", "text/plain"],
  ["image/svg+xml", "image/svg+xml"],
  ["image/png", "image/png"],
  ["image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "image/png"],
  ["image/svg+xml;q=0.9, image/png;q=0.1", "image/svg+xml"],
  ["*/*", "application/json"],
  ["application/xml", "application/json"],
])("200: Accept %s gets %s", async (accept, type) => {
  const channelId = await channelWithQr(unexpired);
  const { status, headers } = await functions.call("GET", `/channels/${channelId}/qr`, {
    headers: { Accept: accept },
  });
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe(type);
  expect(headers.get("cache-control")).toBe("no-store");
});

test("200: the PNG, the SVG and the text hold the pairing text", async () => {
  const channelId = await channelWithQr(unexpired);
  const get = async (accept: string) => {
    const headers = { Accept: accept, "X-Api-Key": await functions.addKey() };
    return functions.fetch(new Request(`http://x/api/whatsapp/channels/${channelId}/qr`, { headers }));
  };
  expect(await (await get("text/plain")).text()).toBe(text);
  const png = Buffer.from(await (await get("image/png")).arrayBuffer());
  expect(`data:image/png;base64,${png.toString("base64")}`).toBe(await toDataURL(text));
  expect(await (await get("image/svg+xml")).text()).toMatch(/^<svg .*<\/svg>\s*$/s);
});

test("404: a missing or expired QR code is not available, nor one replaced by a pairing code", async () => {
  const code = { kind: "code" as const, text: "ABCD1234", attempt: 1, of: 1, expiresAt: unexpired };
  for (const channelId of [
    await functions.addChannel(),
    await channelWithQr(new Date(Date.now() - 1_000)),
    await functions.addChannel({ status: "pairing_code_ready", pairing: code }),
  ]) {
    const { status, body } = await functions.call("GET", `/channels/${channelId}/qr`, {
      headers: { Accept: "image/png" },
    });
    expect([status, body.error.code]).toEqual([404, "qr_not_available"]);
  }
});

test("403: a key that may only read sees no QR code", async () => {
  const key = await functions.addKey({ scopes: ["channels:read", "messages:read", "events:read"] });
  const { status } = await functions.call("GET", `/channels/${await channelWithQr(unexpired)}/qr`, { key });
  expect(status).toBe(403);
});

test("200: a pairing code is answered, and the wish is left to the connector", async () => {
  const channelId = await functions.addChannel();
  const pending = functions.call("POST", `/channels/${channelId}/pairing-code`, {
    body: { phoneNumber: "1234567890" },
  });
  const command = await functions.settle(channelId, "channel.request_pairing_code", {
    state: "succeeded",
    result: { code: "ABCD1234", expiresAt: unexpired.toISOString() },
  });
  expect(command.payload).toEqual({ phoneNumber: "1234567890" });
  const { status, body } = await pending;
  expect(status).toBe(200);
  expect(body).toEqual({
    ok: true,
    payload: { channelId, code: "ABCD1234", expiresAt: unexpired.toISOString() },
  });
  expect((await functions.db.channels.findOne({ _id: channelId }))?.wanted).toBe("disconnected");
});

test("202: a pairing code that takes longer is queued", async () => {
  const channelId = await functions.addChannel();
  const { status, body } = await functions.call("POST", `/channels/${channelId}/pairing-code`, {
    headers: { Prefer: "respond-async" },
    body: { phoneNumber: "1234567890" },
  });
  expect([status, body.payload.status]).toEqual([202, "queued"]);
});

test.each([
  ["already_linked", 409],
  ["pairing_rate_limited", 429],
  ["cancelled", 409],
  ["whatsapp_rejected", 422],
] as const)("a refusal %s by the connector answers %i", async (code, expected) => {
  const channelId = await functions.addChannel();
  const pending = functions.call("POST", `/channels/${channelId}/pairing-code`, {
    body: { phoneNumber: "1234567890" },
    headers: { Prefer: "wait=30" },
  });
  await functions.settle(channelId, "channel.request_pairing_code", {
    state: "failed",
    error: { code, message: "no" },
  });
  const { status, body } = await pending;
  expect([status, body.error.code]).toEqual([expected, code]);
});

test("409: a pairing code whose command was cancelled is refused", async () => {
  const channelId = await functions.addChannel();
  const pending = functions.call("POST", `/channels/${channelId}/pairing-code`, {
    body: { phoneNumber: "1234567890" },
    headers: { Prefer: "wait=30" },
  });
  await functions.settle(channelId, "channel.request_pairing_code", { state: "cancelled" });
  const { status, body } = await pending;
  expect(status).toBe(409);
  expect(body.error).toMatchObject({ code: "cancelled", retryable: true });
});

test("400: a pairing code requires a number", async () => {
  const { status, body } = await functions.call(
    "POST",
    `/channels/${await functions.addChannel()}/pairing-code`,
  );
  expect([status, body.error.details[0].field]).toEqual([400, "phoneNumber"]);
});
