import { Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ChannelFeed } from "../../../connector/gateway/channel-feed.ts";
import type { Notice } from "../../../connector/gateway/notice.ts";
import type { EventDocument } from "../../../shared/collections.ts";
import { collections } from "../../../shared/database.ts";
import { newChannelId } from "../../../shared/ids.ts";
import { createLog } from "../../../shared/log.ts";
import { type TestDatabase, testDatabase } from "../../support/test-database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database[Symbol.asyncDispose]());

function message(channelId: string, seq: number): EventDocument {
  const timestamp = new Date();
  const ord = new Timestamp({ t: 0, i: 0 });
  return { _id: `${channelId}/${seq}`, channelId, seq, ord, type: "incoming_message", timestamp, data: {} };
}

async function feedOf(...seqs: number[]) {
  const db = collections(database.db);
  const channelId = newChannelId();
  const rows = seqs.map((seq) => message(channelId, seq));
  if (rows.length > 0) await db.events.insertMany(rows);
  const relayed: Notice[] = [];
  const relay = (_channelId: string, notice: Notice) => void relayed.push(notice);
  const feed = new ChannelFeed(channelId, { db, relay, log: createLog("silent") });
  return { feed, db, channelId, seqs: () => relayed.map(({ payload }) => payload.seq) };
}

test("starts after what is there already", async () => {
  const { feed, channelId, seqs } = await feedOf(1, 2, 3);
  await feed.ready;
  expect(feed.seq).toBe(3);
  for (const seq of [2, 3, 4]) feed.offer(message(channelId, seq));
  expect(seqs()).toEqual([4]);
});

test("an event that the stream tells while the log is read is relayed once", async () => {
  const { feed, db, channelId, seqs } = await feedOf();
  await feed.ready;
  const rows = [1, 2, 3].map((seq) => message(channelId, seq));
  await db.events.insertMany(rows);
  const reading = feed.readLog();
  for (const row of rows) feed.offer(row);
  await reading;
  expect(seqs()).toEqual([1, 2, 3]);
});

test("what does not follow on is read from the log, in order, however much it is", async () => {
  const { feed, db, channelId, seqs } = await feedOf();
  await feed.ready;
  const all = Array.from({ length: 450 }, (_, index) => index + 1);
  await db.events.insertMany(all.map((seq) => message(channelId, seq)));
  feed.offer(message(channelId, 450));
  await feed.readLog();
  expect(seqs()).toEqual(all);
});

test("a hold keeps what is relayed until it is given up, and only so much", async () => {
  const { feed, channelId } = await feedOf();
  await feed.ready;
  const hold = feed.hold();
  for (let seq = 1; seq <= 1_000; seq += 1) feed.offer(message(channelId, seq));
  expect(hold).toMatchObject({ seq: 0, isFull: false });
  feed.offer(message(channelId, 1_001));
  expect(hold).toMatchObject({ isFull: true });
  hold[Symbol.dispose]();
  const later = feed.hold();
  feed.offer(message(channelId, 1_002));
  expect([hold.notices.length, later.notices.length, later.seq]).toEqual([1_000, 1, 1_001]);
});
