import { Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Feeds } from "#connector/gateway/channel-feeds.ts";
import { sweepFeeds } from "#connector/gateway/feed-sweep.ts";
import type { Notice } from "#connector/gateway/notice.ts";
import type { EventDocument } from "#shared/collections.ts";
import { collections, ensureIndexes } from "#shared/database.ts";
import { newEventId } from "#shared/ids.ts";
import { channelDocument } from "#test/support/documents.ts";
import { profiled } from "#test/support/profiled.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { qr } from "./gateway.fixture.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await ensureIndexes(database.db, { eventsDays: 7, messagesDays: 30 });
});
afterAll(() => database[Symbol.asyncDispose]());

const event = (channelId: string, seq: number): EventDocument => ({
  _id: newEventId(),
  channelId,
  seq,
  ord: new Timestamp({ t: 0, i: 0 }),
  type: "incoming_message",
  timestamp: new Date(),
  data: {},
});

/** Feeds of channels that have 50 events each, and what they broadcast. */
async function fedChannels(count: number) {
  const db = collections(database.db);
  const channels = Array.from({ length: count }, () => channelDocument());
  await db.channels.insertMany(channels);
  const logs = channels.flatMap(({ _id }) => Array.from({ length: 50 }, (_, index) => event(_id, index + 1)));
  await db.events.insertMany(logs);
  const broadcasts: { channelId: string; notice: Notice }[] = [];
  const feeds = new Feeds({
    db,
    broadcast: (channelId, notice) => void broadcasts.push({ channelId, notice }),
    log: quiet,
  });
  await Promise.all(channels.map(({ _id }) => feeds.retain(_id).ready));
  return { db, feeds, broadcasts, ids: channels.map(({ _id }) => _id), sweep: { db, feeds, log: quiet } };
}

test("a sweep of 200 idle channels is one read, which examines one event of each", async () => {
  const { sweep, broadcasts } = await fedChannels(200);
  const operations = await profiled(database.db, () => sweepFeeds(sweep));
  expect(operations.map(({ op, ns }) => `${op} ${ns.split(".").at(-1)}`)).toEqual(["command channels"]);
  expect(operations[0]?.docsExamined).toBeLessThanOrEqual(400);
  expect(broadcasts).toEqual([]);
});

test("a sweep broadcasts what was missed, and only the feeds that lag behind read", async () => {
  const { db, sweep, broadcasts, ids } = await fedChannels(50);
  const [late = "", paired = "", deleted = ""] = ids;
  await db.events.insertMany([event(late, 51), event(late, 52)]);
  const shown = { pairing: qr(1), "config.qrCode": "data:image/png;base64,qr" };
  await db.channels.updateOne({ _id: paired }, { $set: shown });
  await db.channels.updateOne({ _id: deleted }, { $set: { ...shown, deletedAt: new Date() } });
  const operations = await profiled(database.db, () => sweepFeeds(sweep));
  expect(operations).toHaveLength(3);
  const seen = broadcasts.map(({ channelId, notice }) => [channelId, notice.payload.seq ?? notice.name]);
  expect(seen.toSorted((a, b) => ids.indexOf(String(a[0])) - ids.indexOf(String(b[0])))).toEqual([
    [late, 51],
    [late, 52],
    [paired, "qr_code"],
  ]);
  await sweepFeeds(sweep);
  expect(broadcasts).toHaveLength(3);
});
