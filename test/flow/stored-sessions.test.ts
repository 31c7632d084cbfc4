import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

const contact = "15550100342";

test("after a restart, a message to a known contact needs no new keys, and goes out while WhatsApp hands out none", async () => {
  await using system = await startSystem();
  const channel = await pairedChannel(system, "15550100341");
  const send = (to: string) =>
    system.api().post(`/channels/${channel.channelId}/send`, { to, message: "Hello" });
  const { lid } = system.sandbox.account(contact);
  expect((await send(contact)).status).toBe(200);
  expect((await send(lid)).status).toBe(200);
  await system.stop();
  await system.start();
  await channel.becomes("active");
  const asked = system.sandbox.counts.queries["encrypt get key"];
  system.sandbox.faults.ignoreQuery("encrypt", { times: 100, request: "key" });
  expect((await send(contact)).status).toBe(200);
  expect((await send(lid)).status).toBe(200);
  expect(system.sandbox.counts.queries["encrypt get key"]).toBe(asked);
  expect(system.sandbox.account(contact).inbox).toHaveLength(4);
  expect(system.sandbox.counts.snapshot()).toMatchObject(cleanCounts);
});

test("no keys are asked for of the device that sends, whether the chat has a number or a LID", async () => {
  await using system = await startSystem();
  const channel = await pairedChannel(system, "15550100343");
  for (const to of [contact, system.sandbox.account(contact).lid]) {
    const { status } = await system
      .api()
      .post(`/channels/${channel.channelId}/send`, { to, message: "Hello" });
    expect(status).toBe(200);
  }
  const rows = system.database.db
    .collection("whatsapp_auth_keys")
    .find({ channelId: channel.channelId, keyData: { $exists: true } });
  const sessions = (await rows.toArray()).map(({ keyId }) => String(keyId));
  const own = channel.phone.lid.split("@")[0];
  expect(sessions.filter((row) => row.startsWith(`session:${own}_1`))).toEqual([`session:${own}_1.0`]);
});
