import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { drainLease, endLease, insertLease } from "#connector/ownership/lease-store.ts";
import { createMembership } from "#connector/ownership/membership.ts";
import { channelDocument, fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();
const channels = Array.from({ length: 40 }, (_, index) => `channel-${index}`);

async function join(capacity = 100): Promise<string> {
  const id = randomUUID();
  await insertLease(file.all.connectors, { id, name: id, capacity, leaseMs: 600_000 });
  return id;
}

const everybodyLeaves = () => file.all.connectors.updateMany({}, { $set: { state: "dead" } });

test("alone, everything is ours, also before the first look", async () => {
  await everybodyLeaves();
  const membership = createMembership({ db: file.all, connectorId: await join(), load: () => 0 });
  for (const isLooked of [false, true]) {
    if (isLooked) await membership.refresh();
    for (const channelId of channels) expect(await membership.isOurs(channelId)).toBe(true);
  }
});

test("of several who have looked, one says that a channel is its own; who drains, is dead or overdue says nothing", async () => {
  await everybodyLeaves();
  const ids = [await join(), await join(), await join()];
  const all = ids.map((connectorId) => createMembership({ db: file.all, connectorId, load: () => 0 }));
  const looked = async () => {
    await Promise.all(all.map((membership) => membership.refresh()));
    return channels.map((channelId) => all.map((membership) => membership.preferred(channelId)?.id));
  };
  for (const [one, ...others] of await looked()) expect(others).toEqual(others.map(() => one));
  expect(new Set((await looked()).flat())).toEqual(new Set(ids));
  const [draining = "", overdue = "", left = ""] = ids;
  await drainLease(file.all.connectors, draining);
  await file.all.connectors.updateOne({ _id: overdue }, { $set: { aliveUntil: new Date(0) } });
  expect(new Set((await looked()).flat())).toEqual(new Set([left]));
});

test("a peer that is full by the database is not preferred; ourselves we know better", async () => {
  await everybodyLeaves();
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

test("a channel is judged by the look that is under way", async () => {
  await everybodyLeaves();
  const [me, other] = [await join(), await join()];
  const membership = createMembership({ db: file.all, connectorId: me, load: () => 0 });
  await membership.refresh();
  const theirs = channels.find((channelId) => membership.preferred(channelId)?.id === other) ?? "";
  expect(await membership.isOurs(theirs)).toBe(false);
  await drainLease(file.all.connectors, other);
  const looking = membership.refresh();
  expect(await membership.isOurs(theirs)).toBe(true);
  await looking;
});

test("joins are counted, and leaving is a change but no join", async () => {
  await everybodyLeaves();
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
