import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { newChannel, pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem({ wired: "whatsapp", timings: { backoff: { baseMs: 50, maxMs: 200 } } });
});

afterEach(() => system.wire.mend());

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

test("while WhatsApp refuses connections a linked channel keeps trying and sends wait; then all goes on", async () => {
  const channel = await pairedChannel(system, "15550100111");
  const contact = system.sandbox.account("15550100112");
  await system.wire.close();
  const { lastDisconnect, wanted } = await channel.becomes("connecting", "server_unavailable");
  expect({ lastDisconnect, wanted }).toMatchObject({
    lastDisconnect: { reason: "server_unavailable" },
    wanted: "connected",
  });
  const { events } = system.collections;
  const told = await eventually(() =>
    events.findOne({ channelId: channel.channelId, "data.reason": "server_unavailable" }),
  );
  expect(told.data).toMatchObject({ status: "connecting", retryAt: expect.any(String) });
  const { status, body } = await system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: "15550100112", message: "When you are back" });
  expect([status, body.payload.status]).toEqual([202, "queued"]);

  await system.wire.mend();
  await channel.becomes("active");
  const received = await contact.waitForMessage(({ id }) => id === body.payload.messageId);
  expect(received).toMatchObject({ text: "When you are back", copies: 1 });
});

test("while WhatsApp refuses connections a channel that wants to pair keeps trying, and then shows its QR", async () => {
  await system.wire.close();
  const channel = await newChannel(system, "15550100113");
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("connecting", "server_unavailable");
  await system.wire.mend();
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
});
