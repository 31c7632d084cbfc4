import { expect, test } from "vitest";
import { newChannel } from "../support/pairing.ts";
import { subscribeTo } from "../support/subscription.ts";
import { startSystem } from "../support/system.ts";

test("QR codes are numbered, and a channel that used them all is inactive until the next connect", async () => {
  await using hasty = await startSystem({ timings: { qrMs: 800 } });
  const channel = await newChannel(hasty, "15550100091");
  const subscription = await subscribeTo(hasty, channel.channelId);
  await hasty.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("inactive", "qr_expired");
  const shown = subscription.named("qr_code");
  expect(shown.map(({ attempt, of }) => [attempt, of])).toEqual(
    [1, 2, 3, 4, 5, 6].map((attempt) => [attempt, 6]),
  );
  expect(shown.every(({ qrCode }) => String(qrCode).startsWith("data:image/png;base64,"))).toBe(true);
  expect(await channel.document()).toMatchObject({
    pairing: null,
    config: { qrCode: null },
    wanted: "disconnected",
  });
  await hasty.api().post(`/channels/${channel.channelId}/connect`);
  await channel.becomes("qr_ready");
});
