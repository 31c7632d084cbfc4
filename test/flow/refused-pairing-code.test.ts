import { afterAll, beforeAll, expect, test } from "vitest";
import { newChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem({ timings: { pairingAnswerMs: 1_000 } });
});

afterAll(() => system[Symbol.asyncDispose]());

/** Asks for a code for a new channel, after `act` broke the sandbox. Returns the answer and every code that was told. */
async function ask(phoneNumber: string, act: () => void) {
  const channel = await newChannel(system, phoneNumber);
  const subscription = await subscribeTo(system, channel.channelId);
  act();
  const answer = await system.api().post(`/channels/${channel.channelId}/pairing-code`, { phoneNumber });
  return { channel, answer, told: () => subscription.named("pairing_code") };
}

test("429: WhatsApp makes no more pairing codes for this number", async () => {
  const { channel, answer, told } = await ask("15550100361", () => system.sandbox.faults.refuseCode(429));
  expect(answer).toMatchObject({
    status: 429,
    body: { error: { code: "pairing_rate_limited", details: { whatsappCode: 429 } } },
  });
  expect(await channel.becomes("error", "pairing_failed")).toMatchObject({
    pairing: null,
    config: { pairingCode: null },
    lastDisconnect: { code: 429, reason: "pairing_failed" },
  });
  expect(told()).toEqual([]);
});

test("422: WhatsApp refuses to make a pairing code, and says why", async () => {
  const { channel, answer, told } = await ask("15550100362", () => system.sandbox.faults.refuseCode(400));
  expect(answer).toMatchObject({
    status: 422,
    body: { error: { code: "whatsapp_rejected", details: { whatsappCode: 400 } } },
  });
  await channel.becomes("error", "pairing_failed");
  expect(told()).toEqual([]);
});

test("500: WhatsApp does not answer the request for a pairing code, which is not told", async () => {
  const { channel, answer, told } = await ask("15550100363", () => system.sandbox.faults.ignoreQuery("md"));
  expect(answer).toMatchObject({ status: 500, body: { error: { code: "internal" } } });
  expect(answer.body.error.message).toContain("did not answer");
  await channel.becomes("inactive", "connection_lost");
  expect(told()).toEqual([]);
  const again = await system
    .api()
    .post(`/channels/${channel.channelId}/pairing-code`, { phoneNumber: "15550100363" });
  expect(again.status).toBe(200);
  await channel.phone.typeCode(String(again.body.payload.code));
  await channel.becomes("active");
});

test("a refused code after a QR ends the pairing, and the QR with it", async () => {
  const channel = await newChannel(system, "15550100364");
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("qr_ready");
  system.sandbox.faults.refuseCode(400);
  await system.api().post(`/channels/${channel.channelId}/connect`, { phoneNumber: "15550100364" });
  expect(await channel.becomes("error", "pairing_failed")).toMatchObject({ pairing: null });
});
