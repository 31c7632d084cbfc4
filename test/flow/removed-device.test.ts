import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { pairedChannel } from "../support/pairing.ts";
import { type OneProcess, startSystem } from "../support/system.ts";

let system: OneProcess;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

const credentials = (channelId: string) =>
  system.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId });

test("a channel whose device was removed while it was disconnected is logged out at the next login", async () => {
  const channel = await pairedChannel(system, "15550100121");
  await system.api().post(`/channels/${channel.channelId}/disconnect`);
  await channel.phone.unlink();
  expect(await credentials(channel.channelId)).toBe(1);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { wanted, lastDisconnect } = await channel.becomes("logged_out", "unlinked_by_phone");
  expect([wanted, lastDisconnect?.code]).toEqual(["disconnected", 401]);
  expect(await credentials(channel.channelId)).toBe(0);
});

test("a channel whose device was removed while the process was down is logged out after the restart", async () => {
  const channel = await pairedChannel(system, "15550100122");
  await system.stop();
  await channel.phone.unlink();
  await system.start();
  await channel.becomes("logged_out", "unlinked_by_phone");
  expect(await credentials(channel.channelId)).toBe(0);
});
