import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { newChannel } from "../support/pairing.ts";
import { startSystem } from "../support/system.ts";

const diesAt = new URL("./dies-at.child.ts", import.meta.url);
const backoff = { baseMs: 50, maxMs: 100 };

/** Starts to link a channel whose connector is killed at `point`. Resolves once the connector is dead. */
async function killedWhilePairing(phoneNumber: string, point: "scanned" | "linked") {
  await using owned = new AsyncDisposableStack();
  const system = owned.use(await startSystem({ processes: "connectors", timings: { backoff } }));
  const channel = await newChannel(system, phoneNumber);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const connector = await system.start("killed", { DIES_AT: point }, diesAt);
  const { pairing } = await channel.becomes("qr_ready");
  const scan = await channel.phone.scan(pairing?.text ?? "").then(
    () => "linked",
    () => "refused",
  );
  await connector.ended;
  const credentials = () =>
    system.database.db.collection("whatsapp_auth_creds").countDocuments({ channelId: channel.channelId });
  const kept = owned.move();
  return { system, channel, scan, credentials, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test("a connector killed before it stored its keys has not confirmed the link: the phone shows no device", {
  timeout: 180_000,
}, async () => {
  await using killed = await killedWhilePairing("15550100381", "scanned");
  const { system, channel, scan, credentials } = killed;
  expect([scan, channel.phone.devices(), await credentials()]).toEqual(["refused", [], 0]);
  await system.start("killed");
  await channel.becomes("inactive", "interrupted");
});

test("a connector killed after it stored its keys and before it confirmed the link leaves nothing that claims to be linked", {
  timeout: 180_000,
}, async () => {
  await using killed = await killedWhilePairing("15550100382", "linked");
  const { system, channel, scan, credentials } = killed;
  expect([scan, channel.phone.devices(), await credentials()]).toEqual(["refused", [], 1]);
  await system.start("killed");
  expect(await channel.becomes("error", "pairing_failed")).toMatchObject({ pairing: null });
  await eventually(async () => (await credentials()) === 0);
  await system.api().post(`/channels/${channel.channelId}/connect`);
  const { pairing } = await channel.becomes("qr_ready");
  await channel.phone.scan(pairing?.text ?? "");
  await channel.becomes("active");
  expect(await credentials()).toBe(1);
});
