import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { startSystem } from "../support/system.ts";

test("a scanned QR is gone at once, and the channel logs in by itself when WhatsApp does not restart the connection", async () => {
  await using system = await startSystem({ timings: { qrMs: 500, restartMs: 2_000 } });
  const channel = await newChannel(system, "15550100371");
  const subscription = await subscribeTo(system, channel.channelId);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  system.sandbox.faults.withholdRestart();
  await channel.phone.scan(pairing?.text ?? "");
  expect(await channel.becomes("connecting")).toMatchObject({ pairing: null, config: { qrCode: null } });
  const shown = subscription.named("qr_code").length;
  const qr = await system.api().get(`/channels/${channel.channelId}/qr`);
  expect(qr.status).toBe(404);
  await channel.becomes("active");
  expect(subscription.named("qr_code").length).toBe(shown);
  const statuses = () => subscription.named("connection_update").map(({ status }) => status);
  await eventually(() => statuses().includes("active"));
  expect(statuses()).toEqual(["inactive", "connecting", "qr_ready", "connecting", "active"]);
});
