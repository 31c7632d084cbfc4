import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { preferredPeer } from "#connector/ownership/rendezvous.ts";
import { startWaypost } from "#infra/all-in-one.ts";
import { createLog } from "#shared/log.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { startSystem, type World } from "../support/system.ts";

const patient = { withinMs: 60_000, everyMs: 50 };
const numberOf = (index: number) => `155501002${String(index).padStart(2, "0")}`;
const contactNumber = numberOf(99);

/** The name of the connector that should own the channel, when two are equally free. */
const preferred = (channelId: string) =>
  preferredPeer(
    channelId,
    ["east", "west"].map((name) => ({ id: name, name, capacity: 250, load: 0 })),
  )?.name;

test("a joining connector takes over its share of channels and no more; a draining one hands each channel over at once", {
  timeout: 360_000,
}, async () => {
  // Channels move sooner after a join, and a drain waits less for a send that is never acknowledged.
  await using system = await startSystem({
    processes: "connectors",
    timings: { moveQuietMs: 1_000, movesPerSecond: 10, finishMs: 6_000 },
  });
  const { sandbox } = system;
  await system.start("east");
  const channels: TestChannel[] = [];
  const shares: (string | undefined)[] = [];
  const of = (name: string) => shares.filter((share) => share === name).length;
  while (of("east") < 1 || of("west") < 2) {
    const channel = await pairedChannel(system, numberOf(channels.length), patient);
    channels.push(channel);
    shares.push(preferred(channel.channelId));
  }
  const placement = async () => Promise.all(channels.map(({ channelId }) => system.activeAt(channelId)));

  const west = await system.start("west");
  await eventually(async () => isDeepStrictEqual(await placement(), shares), patient);
  const epochs = await Promise.all(channels.map(async ({ document }) => (await document()).owner.epoch));
  expect(epochs).toEqual(shares.map((name) => (name === "west" ? 2 : 1)));

  const moved = channels.filter((_, index) => shares[index] === "west");
  const [held, ...others] = moved;
  if (!held) throw new Error("no channel moved");
  const heldNumber = held.phone.phoneNumber;
  sandbox.faults.withholdAcks(heldNumber, true);
  sandbox.faults.receipts(heldNumber, "never");
  const send = { to: contactNumber, message: "In flight" };
  await system.api().post(`/channels/${held.channelId}/send`, send, { Prefer: "respond-async" });
  await sandbox.account(contactNumber).waitForMessage(({ text }) => text === "In flight");
  west.signal("SIGTERM");
  await eventually(async () => {
    const ready = await fetch(`${west.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ checks: { lease: "draining" } });
    return true;
  });
  await eventually(async () => {
    for (const { channelId } of others) expect(await system.activeAt(channelId)).toBe("east");
    return true;
  }, patient);
  expect(await system.activeAt(held.channelId)).toBe("west");
  expect((await fetch(`${west.url}/health/ready`)).status).toBe(503);
  sandbox.faults.clear();
  expect(await west.ended).toBe(0);
  await eventually(async () => (await system.activeAt(held.channelId)) === "east", patient);
  expect(sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: channels.length });
});

/** Two fifths of a lease and of all that depends on it, so that another connector takes over sooner. */
const shortLease = { leaseMs: 6_000, renewMs: 1_000, leaseMarginMs: 1_200, graceMs: 2_000 };

test("a connector suspended beyond its lease writes nothing when it resumes, and one socket remains", {
  timeout: 360_000,
}, async () => {
  await using system = await startSystem({ processes: "connectors", timings: shortLease });
  const { sandbox, collections } = system;
  const number = numberOf(1);
  const contact = sandbox.account(contactNumber);
  const suspended = await system.start("suspended");
  const channel = await pairedChannel(system, number, patient);
  const { channelId } = channel;
  const incoming = () =>
    collections.events.find({ channelId, type: "incoming_message" }).sort({ seq: 1 }).toArray();
  await contact.sendText(number, "Before");
  await eventually(async () => (await incoming()).length === 1, patient);

  suspended.signal("SIGSTOP");
  const suspendedAt = performance.now();
  // This message waits in the suspended connector's socket and is the first thing that it reads.
  await contact.sendText(number, "While it was suspended");
  await system.start("other");
  await eventually(async () => (await system.activeAt(channelId)) === "other", patient);
  const { owner } = await channel.document();
  // The new owner has handled everything that waited for it.
  await eventually(async () => (await incoming()).length === 2, patient);
  await eventually(() => channel.phone.devices()[0]?.queued === 0, patient);
  await eventually(async () => (await journaled(system, channelId)) === 0, patient);
  await sleep(Math.max(0, shortLease.leaseMs + 2_000 - (performance.now() - suspendedAt)));
  const before = await rowsOf(system, channelId);
  suspended.signal("SIGCONT");
  await suspended.prints(/lease ended/);
  await suspended.prints(/connector ready[\s\S]*connector ready/);

  expect(await rowsOf(system, channelId)).toEqual(before);
  const send = { to: contactNumber, message: "After" };
  expect((await system.api().post(`/channels/${channelId}/send`, send)).status).toBe(200);
  await contact.sendText(number, "Still there?");
  await eventually(async () => (await incoming()).length === 3, patient);
  expect((await incoming()).map(({ data }) => data.message)).toEqual([
    "Before",
    "While it was suspended",
    "Still there?",
  ]);
  expect((await channel.document()).owner).toEqual(owner);
  expect(await collections.commands.countDocuments({ channelId, "claim.epoch": owner.epoch })).toBe(1);
  expect(channel.phone.devices().filter(({ isConnected }) => isConnected)).toHaveLength(1);
  expect(sandbox.counts.snapshot()).toMatchObject({
    ...cleanCounts,
    pairings: 1,
    // The suspended connector could not hang up: WhatsApp let the new socket in and ended the old one.
    simultaneousSockets: 1,
  });
});

const journaled = ({ database }: World, channelId: string) =>
  database.db.collection("whatsapp_auth_keys").countDocuments({ channelId, keyId: /^inbound:/ });

/** Every row of a channel that its owner writes. */
/** MongoDB removes deleted keys, which are emptied, whenever it likes. */
const notEmptied = { $or: [{ keyId: { $exists: false } }, { keyData: { $exists: true } }] };

async function rowsOf({ database, collections }: World, channelId: string) {
  const rows: Record<string, unknown> = { channel: await collections.channels.findOne({ _id: channelId }) };
  for (const name of ["events", "commands", "messages", "whatsapp_auth_keys", "whatsapp_auth_creds"]) {
    const found = database.db
      .collection(name)
      .find({ channelId, ...notEmptied })
      .sort({ _id: 1 });
    rows[name] = await found.toArray();
  }
  return rows;
}

test("the first of two connectors with one name stops with a NameTakenError", async () => {
  await using first = await startSystem({ timings: { renewMs: 200 } });
  const config = { ...first.config, port: 0 };
  const gaveUp = expect(first.failed()).rejects.toMatchObject({ name: "NameTakenError" });
  await using second = await startWaypost({ config, log: createLog("silent"), timings: { renewMs: 200 } });
  await gaveUp;
  expect((await fetch(`${second.url}/health/live`)).status).toBe(200);
});
