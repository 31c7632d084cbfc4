import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { drainLease, endLease, insertLease } from "#connector/ownership/connector-lease-store.ts";
import { createMembership } from "#connector/ownership/membership.ts";
import { channelDocument } from "#test/support/documents.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const channels = Array.from({ length: 40 }, (_, index) => `channel-${index}`);

async function join(capacity = 100): Promise<string> {
  const id = randomUUID();
  await insertLease(file.all.connectors, { id, name: id, capacity, leaseMs: 600_000 });
  return id;
}

const endAllLeases = () => file.all.connectors.updateMany({}, { $set: { state: "dead" } });

test("a lone connector takes every channel, even before the first refresh", async () => {
  await endAllLeases();
  const membership = createMembership({ db: file.all, connectorId: await join(), load: () => 0 });
  for (const isRefreshed of [false, true]) {
    if (isRefreshed) await membership.refresh();
    for (const channelId of channels) expect(await membership.isOurs(channelId)).toBe(true);
  }
});

test("refreshed connectors agree on one for each channel, and never on one that drains or is overdue", async () => {
  await endAllLeases();
  const ids = [await join(), await join(), await join()];
  const all = ids.map((connectorId) => createMembership({ db: file.all, connectorId, load: () => 0 }));
  const preferences = async () => {
    await Promise.all(all.map((membership) => membership.refresh()));
    return channels.map((channelId) => all.map((membership) => membership.preferred(channelId)?.id));
  };
  for (const [one, ...others] of await preferences()) expect(others).toEqual(others.map(() => one));
  expect(new Set((await preferences()).flat())).toEqual(new Set(ids));
  const [draining = "", overdue = "", left = ""] = ids;
  await drainLease(file.all.connectors, draining);
  await file.all.connectors.updateOne({ _id: overdue }, { $set: { aliveUntil: new Date(0) } });
  expect(new Set((await preferences()).flat())).toEqual(new Set([left]));
});

test("a full connector is not preferred: a peer's load is read from the database, our own from memory", async () => {
  await endAllLeases();
  const [me, full] = [await join(), await join(2)];
  let load = 0;
  const membership = createMembership({ db: file.all, connectorId: me, load: () => load });
  await membership.refresh();
  const theirs = channels.filter((channelId) => membership.preferred(channelId)?.id === full);
  for (const _ of [1, 2])
    await file.all.channels.insertOne(channelDocument({ owner: { connector: full, epoch: 1 } }));
  await membership.refresh();
  for (const channelId of theirs) expect(membership.preferred(channelId)?.id).toBe(me);
  load = 100;
  expect(membership.preferred("any")).toBeNull();
});

test("`isOurs` waits for the refresh in progress", async () => {
  await endAllLeases();
  const [me, other] = [await join(), await join()];
  const membership = createMembership({ db: file.all, connectorId: me, load: () => 0 });
  await membership.refresh();
  const theirs = channels.find((channelId) => membership.preferred(channelId)?.id === other) ?? "";
  expect(await membership.isOurs(theirs)).toBe(false);
  await drainLease(file.all.connectors, other);
  const refreshing = membership.refresh();
  expect(await membership.isOurs(theirs)).toBe(true);
  await refreshing;
});

test("a join counts as a join and a change, a departure only as a change", async () => {
  await endAllLeases();
  const membership = createMembership({ db: file.all, connectorId: await join(), load: () => 0 });
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
