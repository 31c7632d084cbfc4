import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

const lease = { leaseMs: 6_000, renewMs: 1_000, leaseMarginMs: 1_200 };
/** Longer than a lease, so that the connector must release its channels although WhatsApp is reachable. */
const outageMs = lease.leaseMs + 2_000;

test("a MongoDB outage longer than a lease makes sends fail with 503 and the channel hang up; then it reconnects and no message is lost", {
  timeout: 240_000,
}, async () => {
  await using system = await startSystem({ wired: "database", timings: lease });
  const channel = await pairedChannel(system, "15550100061");
  const contact = system.sandbox.account("15550100062");
  const send = (message: string) =>
    system.api().post(`/channels/${channel.channelId}/send`, { to: "15550100062", message });
  const incoming = async () => {
    const events = system.collections.events.find({
      channelId: channel.channelId,
      type: "incoming_message",
    });
    return (await events.sort({ seq: 1 }).toArray()).map(({ data }) => data.message);
  };
  expect((await send("Before")).status).toBe(200);

  system.wire.cut();
  const cutAt = performance.now();
  // Its insertion may have been under way when the connections broke.
  const first = await send("At its begin");
  expect(first).toMatchObject({ status: 503, body: { error: { code: "database_unavailable" } } });
  const refused = await send("During");
  expect(refused).toMatchObject({
    status: 503,
    body: { ok: false, error: { code: "database_unavailable", retryable: true } },
  });
  await contact.sendText("15550100061", "Is anybody there?");
  const live = await fetch(`${system.url}/health/live`);
  expect(live.status).toBe(200);
  expect((await fetch(`${system.url}/health/ready`)).status).toBe(503);
  await eventually(() => channel.phone.devices().every(({ isConnected }) => !isConnected), {
    withinMs: outageMs,
  });
  await sleep(Math.max(0, outageMs - (performance.now() - cutAt)));
  await system.wire.mend();

  await eventually(() => channel.phone.devices().some(({ isConnected }) => isConnected));
  await channel.becomes("active");
  expect((await send("After")).status).toBe(200);
  await contact.waitForMessage(({ text }) => text === "After");
  expect(contact.inbox.map(({ text }) => text)).toEqual(["Before", "After"]);
  await eventually(async () => (await incoming()).length > 0);
  await contact.sendText("15550100061", "Thanks");
  await eventually(async () => (await incoming()).includes("Thanks"));
  expect(await incoming()).toEqual(["Is anybody there?", "Thanks"]);
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: 1 });
  expect(await system.database.db.collection("whatsapp_auth_creds").countDocuments()).toBe(1);
});
