import { randomUUID } from "node:crypto";
import { type Collection, MongoClient } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { type ConnectorLease, takeLease } from "#connector/ownership/connector-lease.ts";
import { declareDead } from "#connector/ownership/dead-connectors.ts";
import type { ConnectorDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();

/** Long enough for a slow machine to renew in time. */
const patient = { leaseMs: 20_000, renewMs: 50, leaseMarginMs: 1_000 };
/** Short enough to lapse within a test. */
const brief = { leaseMs: 2_000, renewMs: 100, leaseMarginMs: 1_000 };

/** A collection for each test, since leases declare others dead. */
const freshRows = (): Collection<ConnectorDocument> =>
  file.database.db.collection(`connectors_${randomUUID()}`);

async function take(
  connectors: Collection<ConnectorDocument>,
  { name = randomUUID(), timings = patient }: { name?: string; timings?: typeof patient } = {},
): Promise<ConnectorLease> {
  const lease = await takeLease({
    connectors,
    name,
    capacity: 5,
    masterKeyIds: ["k1", "k2"],
    timings,
    log: quiet,
  });
  onTestFinished(() => lease.release().catch(() => undefined));
  return lease;
}

const ended = (lease: ConnectorLease) => eventually(() => lease.ended.aborted);
const whyEnded = ({ ended: { reason } }: ConnectorLease) => (reason as Error).message;

test("a lease is a row with a name, a capacity, and an end by the database's clock", async () => {
  const rows = freshRows();
  const lease = await take(rows, { name: "one" });
  expect(lease.isValid()).toBe(true);
  const row = await rows.findOne({ _id: lease.id });
  expect(row).toMatchObject({ name: "one", state: "alive", capacity: 5, masterKeyIds: ["k1", "k2"] });
  expect(Number(row?.aliveUntil)).toBeGreaterThan(Number(row?.startedAt));
});

test("a lease knows the earlier leases under its name, lapsed, killed or released", async () => {
  const rows = freshRows();
  const first = await take(rows, { name: "one" });
  await take(rows, { name: "another" });
  const second = await take(rows, { name: "one" });
  await second.release();
  const third = await take(rows, { name: "one" });
  expect([...first.predecessors]).toEqual([]);
  expect(new Set(third.predecessors)).toEqual(new Set([first.id, second.id]));
});

test("a lease is renewed again and again", async () => {
  const rows = freshRows();
  const lease = await take(rows);
  const until = async () => Number((await rows.findOne({ _id: lease.id }))?.aliveUntil);
  for (let seen = await until(), renewals = 0; renewals < 3; renewals++) {
    seen = await eventually(async () => {
      const now = await until();
      return now > seen && now;
    });
  }
  expect(lease.isValid()).toBe(true);
});

test("a lease declares its predecessor of the same name dead at once, and no other", async () => {
  const rows = freshRows();
  const [former, other] = [await take(rows, { name: "one" }), await take(rows, { name: "two" })];
  const present = await take(rows, { name: "one" });
  expect(await rows.findOne({ _id: former.id })).toMatchObject({ state: "dead" });
  await ended(former);
  expect(whyEnded(former)).toBe("declared dead");
  expect([former, other, present].map((lease) => lease.isValid())).toEqual([false, true, true]);
});

test("a dead lease cannot be renewed", async () => {
  const rows = freshRows();
  const lease = await take(rows);
  await rows.updateOne({ _id: lease.id }, { $set: { state: "dead" } });
  const { aliveUntil } = (await rows.findOne({ _id: lease.id })) ?? {};
  await ended(lease);
  expect(lease.isValid()).toBe(false);
  expect(await rows.findOne({ _id: lease.id })).toMatchObject({ state: "dead", aliveUntil });
});

test("a draining lease is renewed; a released one is dead", async () => {
  const rows = freshRows();
  const lease = await take(rows);
  await lease.drain();
  const { aliveUntil } = (await rows.findOne({ _id: lease.id, state: "draining" })) ?? {};
  await eventually(() => rows.findOne({ _id: lease.id, aliveUntil: { $gt: aliveUntil ?? new Date() } }));
  expect(lease.isValid()).toBe(true);
  await lease.release();
  expect([lease.isValid(), lease.ended.aborted]).toEqual([false, true]);
  expect(await rows.findOne({ _id: lease.id })).toMatchObject({ state: "dead" });
});

/** Waits until another connector may take over; resolves to whether the lease was still valid by its own clock then. */
async function validWhenOverdue(
  lease: ConnectorLease,
  rows: Collection<ConnectorDocument>,
): Promise<boolean> {
  await eventually(async () => (await declareDead(rows)) > 0);
  return lease.isValid();
}

test("a lease lapses by its own clock before a takeover is possible, when the database is unreachable", async () => {
  const rows = freshRows();
  await using severable = await severableDatabase(file.database.db.databaseName);
  const lease = await take(severable.db.collection(rows.collectionName), { timings: brief });
  severable.cut();
  expect(await validWhenOverdue(lease, rows)).toBe(false);
  await ended(lease);
  expect(whyEnded(lease)).toBe("lapsed");
});

test("a lease is not fresh any more long before it lapses, when the database never answers", async () => {
  const rows = freshRows();
  await using severable = await severableDatabase(file.database.db.databaseName);
  const lease = await take(severable.db.collection(rows.collectionName));
  expect(lease.isFresh()).toBe(true);
  severable.freeze();
  await eventually(() => !lease.isFresh());
  expect(lease.isValid()).toBe(true);
  severable.cut();
});

test("a lease lapses by its own clock before a takeover is possible, when the database never answers", async () => {
  const rows = freshRows();
  await using severable = await severableDatabase(file.database.db.databaseName);
  const lease = await take(severable.db.collection(rows.collectionName), { timings: brief });
  severable.freeze();
  expect(await validWhenOverdue(lease, rows)).toBe(false);
  await ended(lease);
  expect(whyEnded(lease)).toBe("lapsed");
  severable.cut();
});

test("a lease is invalid as soon as a process continues that stalled past its end", async () => {
  const rows = freshRows();
  const lease = await take(rows, { timings: brief });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, brief.leaseMs);
  expect(lease.isValid()).toBe(false);
  await ended(lease);
  expect(lease.isValid()).toBe(false);
});

test("taking a lease rejects when the database is unreachable", async () => {
  const client = new MongoClient("mongodb://127.0.0.1:1", { serverSelectionTimeoutMS: 50 });
  onTestFinished(() => client.close());
  await expect(take(client.db("none").collection("connectors"))).rejects.toThrow();
});

test("overdue connectors are declared dead once, and no others", async () => {
  const rows = freshRows();
  const now = Date.now();
  const row = (state: ConnectorDocument["state"], ms: number) => {
    const _id = randomUUID();
    const times = { aliveUntil: new Date(now + ms), startedAt: new Date(now) };
    return { _id, name: _id, state, capacity: 1, ...times };
  };
  const overdue = [row("alive", -1_000), row("draining", -1_000)];
  const fine = [row("alive", 60_000), row("draining", 60_000)];
  await rows.insertMany([...overdue, ...fine, row("dead", -1_000)]);
  const found = await Promise.all([declareDead(rows), declareDead(rows)]);
  expect(found.reduce((a, b) => a + b)).toBe(2);
  const left = await rows.distinct("_id", { state: { $ne: "dead" } });
  expect(left.toSorted()).toEqual(fine.map(({ _id }) => _id).toSorted());
});
