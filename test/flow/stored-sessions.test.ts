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
