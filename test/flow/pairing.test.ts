import { afterAll, beforeAll, expect, test } from "vitest";
import { newChannel, pairedChannel, type TestChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(() => system[Symbol.asyncDispose]());

const post = ({ channelId }: TestChannel, action: string, body: object = {}) =>
  system.api().post(`/channels/${channelId}/${action}`, body);

test("a connect with a number shows a code instead of a QR; the phone refuses a wrong code, and the right one links", async () => {
  const channel = await newChannel(system, "15550100092");
  const subscription = await subscribeTo(system, channel.channelId);
  await post(channel, "connect", { phoneNumber: "+1 555-010-0092" });
  const { code, expiresAt } = await subscription.receives("pairing_code");
  expect(code).toMatch(/^[1-9A-HJ-NP-TV-Z]{8}$/);
  expect(Date.parse(String(expiresAt))).toBeGreaterThan(Date.now());
  expect(await channel.document()).toMatchObject({
    status: "pairing_code_ready",
    config: { pairingCode: code },
  });
  await expect(channel.phone.typeCode("ABCDEFGH")).rejects.toThrow();
  await channel.phone.typeCode(String(code));
  await channel.becomes("active");
  expect(await channel.document()).toMatchObject({
    pairing: null,
    config: { phoneNumber: "15550100092", pairingCode: null },
  });
  expect(subscription.named("qr_code")).toEqual([]);
});

test("a connect with a number while a QR shows switches to a code", async () => {
  const channel = await newChannel(system, "15550100093");
  await post(channel, "connect");
  await channel.becomes("qr_ready");
  await post(channel, "connect", { phoneNumber: "15550100093" });
  const { pairing } = await channel.becomes("pairing_code_ready");
  await channel.phone.typeCode(pairing?.text ?? "");
  await channel.becomes("active");
});

test("a second connect while a pairing code shows leaves the code unchanged", async () => {
  const channel = await newChannel(system, "15550100125");
  const connect = () => post(channel, "connect", { phoneNumber: "15550100125" });
  await connect();
  const { pairing } = await channel.becomes("pairing_code_ready");
  expect(await connect()).toMatchObject({ status: 202, body: { status: "pairing_code_ready" } });
  expect((await channel.document()).pairing).toEqual(pairing);
  expect(await system.collections.pairingRequests.countDocuments({ phoneNumber: "15550100125" })).toBe(1);
});

test("pairing-code connects the channel and answers with the code, or with 409 once it is linked", async () => {
  const channel = await newChannel(system, "15550100094");
  const { status, body } = await post(channel, "pairing-code", { phoneNumber: "15550100094" });
  expect(status).toBe(200);
  expect(body.payload).toMatchObject({ channelId: channel.channelId });
  await channel.phone.typeCode(String(body.payload.code));
  await channel.becomes("active");
  const again = await post(channel, "pairing-code", { phoneNumber: "15550100094" });
  expect(again).toMatchObject({ status: 409, body: { error: { code: "already_linked" } } });
});

test("the sixth code within an hour for one number is refused with 429, before WhatsApp refuses it", async () => {
  const channel = await newChannel(system, "15550100095");
  for (let asked = 1; asked <= 5; asked++) {
    expect((await post(channel, "pairing-code", { phoneNumber: "15550100095" })).status).toBe(200);
  }
  const refused = await post(channel, "pairing-code", { phoneNumber: "15550100095" });
  expect(refused).toMatchObject({ status: 429, body: { error: { code: "pairing_rate_limited" } } });
});

test("a QR links a channel whose pairing code was shown but never typed", async () => {
  const channel = await newChannel(system, "15550100096");
  await post(channel, "connect", { phoneNumber: "15550100096" });
  await channel.becomes("pairing_code_ready");
  await post(channel, "disconnect");
  await channel.becomes("inactive", "disconnected");
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
});

test("a logout unlinks the phone of a disconnected channel too", async () => {
  const channel = await pairedChannel(system, "15550100097");
  await post(channel, "disconnect");
  const out = await post(channel, "logout");
  expect(out).toMatchObject({ status: 200, body: { status: "logged_out" } });
  await channel.becomes("logged_out", "unlinked_by_api");
  expect(channel.phone.devices()).toEqual([]);
});

test("a logged-out channel can be linked again", async () => {
  const channel = await pairedChannel(system, "15550100098");
  await channel.phone.unlink();
  await channel.becomes("logged_out", "unlinked_by_phone");
  await post(channel, "connect");
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  expect((await post(channel, "send", { to: "15550100099", message: "Back" })).status).toBe(200);
});
