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

test("a linked channel keeps trying while WhatsApp refuses connections, and its queued sends go out afterwards", async () => {
  const channel = await pairedChannel(system, "15550100111");
  const contact = system.sandbox.account("15550100112");
  await system.wire.close();
  const { lastDisconnect, wanted } = await channel.becomes("connecting", "server_unavailable");
  expect({ lastDisconnect, wanted }).toMatchObject({
    lastDisconnect: { reason: "server_unavailable" },
    wanted: "connected",
  });
  const { events } = system.collections;
  const update = await eventually(() =>
    events.findOne({ channelId: channel.channelId, "data.reason": "server_unavailable" }),
  );
  expect(update.data).toMatchObject({ status: "connecting", retryAt: expect.any(String) });
  const { status, body } = await system
    .api()
    .post(`/channels/${channel.channelId}/send`, { to: "15550100112", message: "When you are back" });
  expect([status, body.payload.status]).toEqual([202, "queued"]);

  await system.wire.mend();
  await channel.becomes("active");
  const received = await contact.waitForMessage(({ id }) => id === body.payload.messageId);
  expect(received).toMatchObject({ text: "When you are back", copies: 1 });
});

test("an unlinked channel keeps trying while WhatsApp refuses connections, and shows its QR afterwards", async () => {
  await system.wire.close();
  const channel = await newChannel(system, "15550100113");
  await system.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("connecting", "server_unavailable");
  await system.wire.mend();
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
});

test("a logout while WhatsApp refuses connections stays pending, and unlinks the phone afterwards", async () => {
  const channel = await pairedChannel(system, "15550100124");
  await system.api().post(`/channels/${channel.channelId}/disconnect`);
  system.sandbox.faults.refuseUpgrade({ status: 503 });
  const asked = await system.api().post(`/channels/${channel.channelId}/logout`, {}, { Prefer: "wait=1" });
  expect(asked.status).toBe(202);
  expect(channel.phone.devices()).toHaveLength(1);
  expect((await channel.document()).status).toBe("connecting");
  system.sandbox.faults.clear();
  await channel.becomes("logged_out", "unlinked_by_api");
  expect(channel.phone.devices()).toEqual([]);
});
