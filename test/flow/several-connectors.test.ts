import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { preferredPeer } from "#connector/ownership/rendezvous.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { connectorsApart } from "../support/connectors.ts";
import { eventually } from "../support/eventually.ts";

const patient = { withinMs: 60_000, everyMs: 50 };
const numberOf = (index: number) => `155501002${String(index).padStart(2, "0")}`;
const contactNumber = numberOf(99);

/** Who should have a channel of two equal connectors. */
const preferred = (channelId: string) =>
  preferredPeer(
    channelId,
    ["east", "west"].map((name) => ({ id: name, name, capacity: 250, load: 0 })),
  )?.name;

test("a connector that joins gets its share and no more; one that drains gives each channel to the other at once", {
  timeout: 180_000,
}, async () => {
  await using system = await connectorsApart();
  const { sandbox, api } = system;
  await system.start("east");
  const channels: string[] = [];
  const shares: (string | undefined)[] = [];
  while (channels.length < 6 || new Set(shares).size < 2) {
    channels.push(await system.pair(numberOf(channels.length)));
    shares.push(preferred(channels.at(-1) ?? ""));
  }
  const placement = async () => Promise.all(channels.map((channelId) => system.activeAt(channelId)));

  const west = await system.start("west");
  await eventually(async () => isDeepStrictEqual(await placement(), shares), patient);
  const epochs = await Promise.all(channels.map(async (id) => (await system.document(id)).owner.epoch));
  expect(epochs).toEqual(shares.map((name) => (name === "west" ? 2 : 1)));

  const moved = channels.filter((_, index) => shares[index] === "west");
  const [held = "", ...others] = moved;
  const heldNumber = numberOf(channels.indexOf(held));
  sandbox.faults.withholdAcks(heldNumber, true);
  sandbox.faults.receipts(heldNumber, "never");
  const send = { to: contactNumber, message: "In flight" };
  await api.post(`/channels/${held}/send`, send, { Prefer: "respond-async" });
  await sandbox.account(contactNumber).waitForMessage(({ text }) => text === "In flight");
  west.signal("SIGTERM");
  await eventually(async () => {
    const ready = await fetch(`${west.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ checks: { lease: "draining" } });
    return true;
  });
  await eventually(async () => {
    for (const channelId of others) expect(await system.activeAt(channelId)).toBe("east");
    return true;
  }, patient);
  expect(await system.activeAt(held)).toBe("west");
  expect((await fetch(`${west.url}/health/ready`)).status).toBe(503);
  sandbox.faults.clear();
  expect(await west.ended).toBe(0);
  await eventually(async () => (await system.activeAt(held)) === "east", patient);
  expect(sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: channels.length });
});

test("a connector that stood still beyond its lease writes nothing when it goes on, and one socket is left", {
  timeout: 180_000,
}, async () => {
  await using system = await connectorsApart();
  const { sandbox, all, api } = system;
  const number = numberOf(1);
  const contact = sandbox.account(contactNumber);
  const stopped = await system.start("stopped");
  const channelId = await system.pair(number);
  const incoming = () => all.events.find({ channelId, type: "incoming_message" }).sort({ seq: 1 }).toArray();
  await contact.sendText(number, "Before");
  await eventually(async () => (await incoming()).length === 1, patient);

  stopped.signal("SIGSTOP");
  const stoppedAt = performance.now();
  // Waits in the socket of who stands still, and is the first that it sees.
  await contact.sendText(number, "While it stood still");
  await system.start("other");
  await eventually(async () => (await system.activeAt(channelId)) === "other", patient);
  const { owner } = await system.document(channelId);
  await sleep(Math.max(0, 20_000 - (performance.now() - stoppedAt)));
  const before = await rowsOf(system, channelId);
  stopped.signal("SIGCONT");
  await stopped.prints(/lease ended/);
  await stopped.prints(/connector ready[\s\S]*connector ready/);

  expect(await rowsOf(system, channelId)).toEqual(before);
  const sent = await api.post(`/channels/${channelId}/send`, { to: contactNumber, message: "After" });
  expect(sent.status).toBe(200);
  await contact.sendText(number, "Still there?");
  await eventually(async () => (await incoming()).length === 3, patient);
  expect((await incoming()).map(({ data }) => data.message)).toEqual([
    "Before",
    "While it stood still",
    "Still there?",
  ]);
  expect((await system.document(channelId)).owner).toEqual(owner);
  expect(await all.commands.countDocuments({ channelId, "claim.epoch": owner.epoch })).toBe(1);
  expect(
    sandbox
      .account(number)
      .devices()
      .filter(({ isConnected }) => isConnected),
  ).toHaveLength(1);
  expect(sandbox.counts.snapshot()).toMatchObject({
    ...cleanCounts,
    pairings: 1,
    // The one that stood still could not hang up: WhatsApp let the new socket in, and ended its.
    simultaneousSockets: 1,
  });
});

/** Everything of a channel that its owner writes. */
async function rowsOf(
  { database, document }: Awaited<ReturnType<typeof connectorsApart>>,
  channelId: string,
) {
  const rows: Record<string, unknown> = { channel: await document(channelId) };
  for (const name of ["events", "commands", "messages", "whatsapp_auth_keys", "whatsapp_auth_creds"]) {
    rows[name] = await database.db.collection(name).find({ channelId }).sort({ _id: 1 }).toArray();
  }
  return rows;
}
