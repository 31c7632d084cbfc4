import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type TestWaypost, testWaypost } from "../support/waypost.ts";

let waypost: TestWaypost;

beforeAll(async () => {
  waypost = await testWaypost();
});

afterAll(async () => {
  await waypost[Symbol.asyncDispose]();
  expect(waypost.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const credentials = (channelId: string) =>
  waypost.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId });

test("a device that was removed while its channel was disconnected is logged out at the next login", async () => {
  const channel = await pairedChannel(waypost, "15550100121");
  await waypost.api().post(`/channels/${channel.channelId}/disconnect`);
  await channel.phone.unlink();
  expect(await credentials(channel.channelId)).toBe(1);
  await waypost.api().post(`/channels/${channel.channelId}/connect`);
  const { wanted, lastDisconnect } = await channel.becomes("logged_out", "unlinked_by_phone");
  expect([wanted, lastDisconnect?.code]).toEqual(["disconnected", 401]);
  expect(await credentials(channel.channelId)).toBe(0);
});

test("a device that was removed while the process was down is logged out when it is back", async () => {
  const channel = await pairedChannel(waypost, "15550100122");
  await waypost.stop();
  await channel.phone.unlink();
  await waypost.start();
  await channel.becomes("logged_out", "unlinked_by_phone");
  expect(await credentials(channel.channelId)).toBe(0);
});
