import { Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ChannelFeed } from "#connector/gateway/channel-feed.ts";
import type { Notice } from "#connector/gateway/notice.ts";
import type { EventDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { newChannelId } from "#shared/ids.ts";
import { createLog } from "#shared/log.ts";
import { channelDocument } from "#test/support/documents.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

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

const offered = (event: EventDocument) => ({ seq: event.seq, row: () => event });

async function feedOf(...seqs: number[]) {
  const db = collections(database.db);
  const channelId = newChannelId();
  const rows = seqs.map((seq) => message(channelId, seq));
  if (rows.length > 0) await db.events.insertMany(rows);
  const broadcasts: Notice[] = [];
  const broadcast = (_channelId: string, notice: Notice) => void broadcasts.push(notice);
  const feed = new ChannelFeed(channelId, { db, broadcast, log: createLog("silent") });
  const payloads = () => broadcasts.map(({ payload }) => payload);
  const codes = () => payloads().map(({ qrCode }) => qrCode);
  return { feed, db, channelId, codes, seqs: () => payloads().map(({ seq }) => seq) };
}

test("a feed starts after the events that are in the log already", async () => {
  const { feed, channelId, seqs } = await feedOf(1, 2, 3);
  await feed.ready;
  expect(feed.seq).toBe(3);
  for (const seq of [2, 3, 4]) feed.offer(offered(message(channelId, seq)));
  expect(seqs()).toEqual([4]);
});

test("an event that the stream reports while the log is read is broadcast once", async () => {
  const { feed, db, channelId, seqs } = await feedOf();
  await feed.ready;
  const rows = [1, 2, 3].map((seq) => message(channelId, seq));
  await db.events.insertMany(rows);
  const reading = feed.readLog();
  for (const row of rows) feed.offer(offered(row));
  await reading;
  expect(seqs()).toEqual([1, 2, 3]);
});

test("after a gap the feed reads the log, in order, however many events are missing", async () => {
  const { feed, db, channelId, seqs } = await feedOf();
  await feed.ready;
  const all = Array.from({ length: 450 }, (_, index) => index + 1);
  await db.events.insertMany(all.map((seq) => message(channelId, seq)));
  feed.offer(offered(message(channelId, 450)));
  await feed.readLog();
  expect(seqs()).toEqual(all);
});

test("large events are read in portions, and none is left out", async () => {
  const { feed, db, channelId, seqs } = await feedOf();
  await feed.ready;
  const all = Array.from({ length: 20 }, (_, index) => index + 1);
  const data = { message: "x".repeat(1024 * 1024) };
  await db.events.insertMany(all.map((seq) => ({ ...message(channelId, seq), data })));
  await feed.readLog();
  expect(seqs()).toEqual(all);
});

test("a buffer keeps broadcasts until it is disposed, and restarts with a higher `seq` when it is full", async () => {
  const { feed, channelId } = await feedOf();
  await feed.ready;
  const buffer = feed.openBuffer();
  const kept = () => buffer.after(buffer.seq).map(({ payload }) => payload.seq);
  for (let seq = 1; seq <= 200; seq += 1) feed.offer(offered(message(channelId, seq)));
  expect([buffer.seq, kept().length]).toEqual([0, 200]);
  feed.offer(offered(message(channelId, 201)));
  expect([buffer.seq, kept()]).toEqual([200, [201]]);
  buffer[Symbol.dispose]();
  const later = feed.openBuffer();
  feed.offer(offered(message(channelId, 202)));
  expect([kept(), later.seq, later.after(0).length]).toEqual([[201], 201, 1]);
});

const qrOf = (channelId: string, text: string) => ({
  ...{ channelId, now: new Date(), config: { qrCode: text } },
  pairing: { kind: "qr", text, attempt: 1, of: 6, expiresAt: new Date(Date.now() + 60_000) } as const,
});

test("a QR that was just stored is broadcast at once, and not again when the stream tells of it", async () => {
  const { feed, db, channelId, codes } = await feedOf();
  const { now: _, pairing, config } = qrOf(channelId, "first");
  const stored = channelDocument({ _id: channelId, channelId, pairing });
  await db.channels.insertOne({ ...stored, config: { ...stored.config, ...config } });
  feed.offerPairing(qrOf(channelId, "first"));
  expect(codes()).toEqual(["first"]);
  await feed.readPairing();
  expect(codes()).toEqual(["first"]);
});

test("a QR that is stored while an older one is read is broadcast last", async () => {
  const { feed, db, channelId, codes } = await feedOf();
  const { pairing, config } = qrOf(channelId, "first");
  const stored = channelDocument({ _id: channelId, channelId, pairing });
  await db.channels.insertOne({ ...stored, config: { ...stored.config, ...config } });
  const reading = feed.readPairing();
  const next = qrOf(channelId, "second");
  feed.offerPairing(next);
  await reading;
  await db.channels.updateOne(
    { _id: channelId },
    { $set: { pairing: next.pairing, "config.qrCode": "second" } },
  );
  await feed.readPairing();
  expect(codes()).toEqual(["first", "second"]);
});
