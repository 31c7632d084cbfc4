import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { preferredPeer } from "#connector/ownership/rendezvous.ts";
import { cleanCounts } from "../support/clean-counts.ts";
import { eventually } from "../support/eventually.ts";
import { pairedChannel, type TestChannel } from "../support/pairing.ts";
import { type ConnectorProcess, startSystem } from "../support/system.ts";

const patient = { withinMs: 60_000, everyMs: 50 };
const newKey = () => randomBytes(32).toString("base64");
const numberOf = (index: number) => `155501003${String(index).padStart(2, "0")}`;

/** Everything moves sooner, and a dead connector is replaced within seconds. */
const timings = {
  ...{ leaseMs: 6_000, renewMs: 1_000, leaseMarginMs: 1_200, graceMs: 1_000, sweepMs: 2_000 },
  ...{ moveQuietMs: 500, movesPerSecond: 10 },
};

async function ready({ url }: ConnectorProcess) {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: await response.json() };
}

type System = Awaited<ReturnType<typeof startConnectors>>;
const startConnectors = () => startSystem({ processes: "connectors", timings });

/** The name of the connector that should own the channel, of the two that can open it. */
const preferred = ({ channelId }: TestChannel) =>
  preferredPeer(
    channelId,
    ["east", "north"].map((name) => ({ id: name, name, capacity: 250, load: 0 })),
  )?.name;

const pairChannels = async (system: System, count: number): Promise<TestChannel[]> => {
  const channels = [];
  for (let index = 0; index < count; index++)
    channels.push(await pairedChannel(system, numberOf(index), patient));
  return channels;
};

const allActiveAt = (system: System, channels: TestChannel[], names: string[]) =>
  eventually(async () => {
    for (const { channelId } of channels) expect(names).toContain(await system.activeAt(channelId));
    return true;
  }, patient);

test("a connector with another ENCRYPTION_KEY gets no channel that another can open, and is not ready", {
  timeout: 360_000,
}, async () => {
  await using system = await startConnectors();
  const east = await system.start("east");
  const channels = await pairChannels(system, 2);
  while (!channels.some((channel) => preferred(channel) === "north"))
    channels.push(await pairedChannel(system, numberOf(channels.length), patient));
  expect(await ready(east)).toMatchObject({ status: 200, body: { checks: { credentials: "ok" } } });
  const epochs = () => Promise.all(channels.map(async ({ document }) => (await document()).owner.epoch));
  const before = await epochs();

  const typo = newKey();
  const west = await system.start("west", { ENCRYPTION_KEY: typo });
  expect(await ready(west)).toMatchObject({
    status: 503,
    body: { ok: false, checks: { lease: "held", credentials: "unreadable" } },
  });
  // A connector that can open them joins later than the other, so that balancing has run when it has its share.
  await system.start("north");
  await eventually(async () => {
    const owners = await Promise.all(channels.map(({ channelId }) => system.activeAt(channelId)));
    expect(owners).toEqual(channels.map(preferred));
    return true;
  }, patient);
  const moved = (await epochs()).map((epoch, index) => epoch - (before[index] ?? 0));
  expect(Math.max(...moved)).toBe(1);
  const errors = { type: "connection_update", "data.status": "error" };
  expect(await system.collections.events.countDocuments(errors)).toBe(0);
  expect(system.sandbox.counts.snapshot()).toMatchObject({ ...cleanCounts, pairings: channels.length });
});

test("a connector of another WhatsApp server gives back, once and unchanged, what balancing gave it", {
  timeout: 360_000,
}, async () => {
  await using system = await startConnectors();
  await system.start("east");
  const channels = await pairChannels(system, 1);
  while (!channels.some((channel) => preferred(channel) === "north"))
    channels.push(await pairedChannel(system, numberOf(channels.length), patient));
  const north = await system.start("north", { WHATSAPP_ROOT_KEY: randomBytes(32).toString("hex") });
  await north.prints(/"event":"unopened"/);
  await allActiveAt(system, channels, ["east"]);
  for (const channel of channels) {
    const { owner } = await channel.document();
    // Taken by east, by north, which left it, and by east again.
    expect(owner.epoch).toBe(preferred(channel) === "north" ? 3 : 1);
  }
  const errors = { type: "connection_update", "data.status": "error" };
  expect(await system.collections.events.countDocuments(errors)).toBe(0);
});

test("channels that nobody living can open say so, and come back by themselves when a connector with the key joins", {
  timeout: 360_000,
}, async () => {
  await using system = await startConnectors();
  const key = newKey();
  const east = await system.start("east", { ENCRYPTION_KEY: key });
  const channels = await pairChannels(system, 2);
  await system.start("west", { ENCRYPTION_KEY: newKey() });
  await east.kill();
  for (const channel of channels)
    await eventually(async () => (await channel.document()).reason === "credentials_unreadable", patient);
  await system.start("north", { ENCRYPTION_KEY: key });
  await allActiveAt(system, channels, ["north"]);
  // Nothing was erased, and each channel said once what was wrong.
  for (const { channelId } of channels) {
    const filter = { channelId, "data.reason": "credentials_unreadable" };
    expect(await system.collections.events.countDocuments(filter)).toBe(1);
  }
});

test("a rotation of keys by rolling restarts, with every step cut short by a kill, leaves every channel served", {
  timeout: 480_000,
}, async () => {
  await using system = await startConnectors();
  const [older, newer] = [newKey(), newKey()];
  const running: Record<string, ConnectorProcess> = {};
  const restart = async (name: string, keys: string) => {
    await running[name]?.kill();
    running[name] = await system.start(name, { ENCRYPTION_KEY: keys });
  };
  await restart("east", older);
  await restart("west", older);
  const channels = await pairChannels(system, 2);
  const wrappedBy = () =>
    system.database.db
      .collection("whatsapp_auth_keys")
      .distinct("masterKeyId", { masterKeyId: { $exists: true } });
  const [first] = await wrappedBy();
  for (const keys of [`${older},${newer}`, `${newer},${older}`]) {
    for (const name of ["east", "west"]) {
      await restart(name, keys);
      await allActiveAt(system, channels, ["east", "west"]);
    }
    if (keys.startsWith(older)) expect(await wrappedBy()).toEqual([first]);
  }
  const rotated = await system.rotateKeys(`${newer},${older}`);
  expect(rotated).toMatchObject({ code: 0, out: expect.stringContaining("can be removed") });
  for (const name of ["east", "west"]) {
    await restart(name, newer);
    await allActiveAt(system, channels, ["east", "west"]);
  }
  const [last, ...others] = await wrappedBy();
  expect(others).toEqual([]);
  expect(last).not.toBe(first);
  const errors = { type: "connection_update", "data.status": "error" };
  expect(await system.collections.events.countDocuments(errors)).toBe(0);
});
