import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { drainLease, endLease, insertLease } from "#connector/ownership/connector-lease-store.ts";
import { createMembership, type Membership } from "#connector/ownership/membership.ts";
import type { Seal } from "#connector/ownership/seal.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const channels = Array.from({ length: 40 }, (_, index) => `channel-${index}`);

async function join(capacity = 100, masterKeyIds = ["a key"]): Promise<string> {
  const id = randomUUID();
  await insertLease(file.all.connectors, { id, name: id, capacity, masterKeyIds, leaseMs: 600_000 });
  return id;
}

/** The membership as one connector sees it. `seals` are those of the channels that have credentials. */
function membershipOf(
  connectorId: string,
  {
    load = () => 0,
    masterKeyIds = ["a key"],
    seals = new Map(),
  }: { load?: () => number; masterKeyIds?: string[]; seals?: Map<string, Seal> } = {},
) {
  const readSeals = async () => seals;
  return createMembership({ db: file.all, connectorId, masterKeyIds, readSeals, load });
}

/** Which of the channels each connector would take at once. */
const taken = async (membership: Membership) => {
  const isOurs = await Promise.all(channels.map((channelId) => membership.isOurs(channelId)));
  return channels.filter((_, index) => isOurs[index]);
};

const endAllLeases = () => file.all.connectors.updateMany({}, { $set: { state: "dead" } });

test("a lone connector takes every channel, even before the first refresh", async () => {
  await endAllLeases();
  const membership = membershipOf(await join());
  for (const isRefreshed of [false, true]) {
    if (isRefreshed) await membership.refresh();
    for (const channelId of channels) expect(await membership.isOurs(channelId)).toBe(true);
  }
});

test("others are known until all are dead, whether they live, drain or are overdue", async () => {
  await endAllLeases();
  const mine = await join();
  const membership = membershipOf(mine);
  expect(membership.hasOthers()).toBe(true);
  const isKnown = async (changes: object) => {
    await file.all.connectors.updateMany({ _id: { $ne: mine } }, { $set: changes });
    await membership.refresh();
    return membership.hasOthers();
  };
  expect(await isKnown({})).toBe(false);
  await join();
  expect(await isKnown({ state: "alive" })).toBe(true);
  expect(await isKnown({ state: "draining" })).toBe(true);
  expect(await isKnown({ state: "alive", aliveUntil: new Date(0) })).toBe(true);
  expect(membership.ids()).toEqual([mine]);
  expect(await isKnown({ state: "dead" })).toBe(false);
});

test("refreshed connectors agree on one for each channel, and never on one that drains or is overdue", async () => {
  await endAllLeases();
  const ids = [await join(), await join(), await join()];
  const all = ids.map((connectorId) => membershipOf(connectorId));
  const shares = async () => {
    await Promise.all(all.map((membership) => membership.refresh()));
    return Promise.all(all.map(taken));
  };
  const before = await shares();
  // Each channel is one connector's.
  expect(before.flat().toSorted()).toEqual(channels.toSorted());
  expect(before.every((share) => share.length > 0)).toBe(true);
  const [draining = "", overdue = ""] = ids;
  await drainLease(file.all.connectors, draining);
  await file.all.connectors.updateOne({ _id: overdue }, { $set: { aliveUntil: new Date(0) } });
  expect(await shares()).toEqual([[], [], channels]);
});

test("a full connector is not preferred: a peer's load is read from the database, our own from memory", async () => {
  await endAllLeases();
  const [me, full] = [await join(4), await join(2)];
  let load = 0;
  const membership = membershipOf(me, { load: () => load });
  await membership.refresh();
  const theirs = await membership.forOthers(channels);
  expect(theirs.length).toBeGreaterThan(0);
  for (const _ of [1, 2])
    await file.all.channels.insertOne(channelDocument({ owner: { connector: full, epoch: 1 } }));
  await membership.refresh();
  expect(await membership.forOthers(channels)).toEqual([]);
  expect(await taken(membership)).toEqual(channels);
  load = 100;
  expect(await membership.forOthers(channels)).toEqual([]);
});

test("`isOurs` waits for the refresh in progress", async () => {
  await endAllLeases();
  const [me, other] = [await join(), await join()];
  const membership = membershipOf(me);
  await membership.refresh();
  const [theirs = ""] = await membership.forOthers(channels);
  expect(await membership.isOurs(theirs)).toBe(false);
  await drainLease(file.all.connectors, other);
  const refreshing = membership.refresh();
  expect(await membership.isOurs(theirs)).toBe(true);
  await refreshing;
});

test("a join counts as a join and a change, a departure only as a change", async () => {
  await endAllLeases();
  const membership = membershipOf(await join());
  await membership.refresh();
  const seen = () => [membership.joins(), membership.changedAt()] as const;
  const [first, changedAt] = seen();
  await membership.refresh();
  expect(seen()).toEqual([first, changedAt]);
  const other = await join();
  await membership.refresh();
  const [second, joinedAt] = seen();
  expect([second, joinedAt > changedAt]).toEqual([first + 1, true]);
  await endLease(file.all.connectors, other);
  await membership.refresh();
  const [third, leftAt] = seen();
  expect([third, leftAt > joinedAt]).toEqual([second, true]);
});

describe("a channel with credentials", () => {
  const sealed = (masterKeyId: string, unopenedBy: string[] = []) =>
    new Map(channels.map((channelId) => [channelId, { masterKeyId, unopenedBy }]));

  test("is taken only by a connector that has its key, and goes to no other", async () => {
    await endAllLeases();
    const [able, unable] = [await join(100, ["new", "old"]), await join(100, ["typo"])];
    const seals = sealed("old");
    const [ours, theirs] = [
      membershipOf(able, { masterKeyIds: ["new", "old"], seals }),
      membershipOf(unable, { masterKeyIds: ["typo"], seals }),
    ];
    await Promise.all([ours.refresh(), theirs.refresh()]);
    expect([await taken(ours), await taken(theirs)]).toEqual([channels, []]);
    expect([await ours.forOthers(channels), await theirs.forOthers(channels)]).toEqual([[], channels]);
    expect((await ours.openers(["channel-1"])).get("channel-1")).toEqual({ us: true, others: false });
    expect((await theirs.openers(["channel-1"])).get("channel-1")).toEqual({ us: false, others: true });
  });

  test("is left to a connector that can open it even while that has no room", async () => {
    await endAllLeases();
    const [able, unable] = [await join(0, ["old"]), await join(100, ["typo"])];
    const seals = sealed("old");
    const [ours, theirs] = [
      membershipOf(able, { masterKeyIds: ["old"], seals }),
      membershipOf(unable, { masterKeyIds: ["typo"], seals }),
    ];
    await Promise.all([ours.refresh(), theirs.refresh()]);
    expect([await taken(ours), await taken(theirs)]).toEqual([channels, []]);
  });

  test("is not left to one that tried in vain, and to one of an older version, which publishes no keys, it is", async () => {
    await endAllLeases();
    const [me, tried] = [await join(), await join()];
    const membership = membershipOf(me, { seals: sealed("a key", [tried]) });
    await membership.refresh();
    expect((await membership.openers(["channel-1"])).get("channel-1")).toEqual({ us: true, others: false });
    const older = await join();
    await file.all.connectors.updateOne({ _id: older }, { $unset: { masterKeyIds: "" } });
    await membership.refresh();
    expect((await membership.openers(["channel-1"])).get("channel-1")).toEqual({ us: true, others: true });
  });

  test("may be wrapped by a master key only once every living connector is known to have it", async () => {
    await endAllLeases();
    const membership = membershipOf(await join(100, ["new", "old"]));
    expect(membership.isSharedKey("new")).toBe(false);
    await membership.refresh();
    expect([membership.isSharedKey("new"), membership.isSharedKey("other")]).toEqual([true, false]);
    const other = await join(100, ["old"]);
    await membership.refresh();
    expect([membership.isSharedKey("new"), membership.isSharedKey("old")]).toEqual([false, true]);
    await endLease(file.all.connectors, other);
    await membership.refresh();
    expect(membership.isSharedKey("new")).toBe(true);
  });
});
