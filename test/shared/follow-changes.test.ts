import type { ChangeStreamInsertDocument, Collection } from "mongodb";
import { pino } from "pino";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { followChanges } from "#shared/follow-changes.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

interface Row {
  _id: number;
}

const log = pino({ level: "silent" });
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

let collectionCount = 0;
const freshRows = (): Collection<Row> => database.db.collection(`rows_${collectionCount++}`);

/** Follows the inserts of `rows` until the test is over. */
function following(rows: Collection<Row>, changed: (id: number) => void = () => undefined) {
  const calls = { opened: 0, lost: 0, ids: [] as number[] };
  const stopping = new AbortController();
  const done = followChanges<ChangeStreamInsertDocument<Row>>({
    name: "rows",
    watch: () => rows.watch([{ $match: { operationType: "insert" } }]),
    opened: () => calls.opened++,
    lost: () => calls.lost++,
    changed({ fullDocument }) {
      calls.ids.push(fullDocument._id);
      changed(fullDocument._id);
    },
    log,
    signal: stopping.signal,
  });
  onTestFinished(async () => {
    stopping.abort();
    await done;
  });
  return { calls, stopping, done };
}

test("changes written once the stream is open are reported in order", async () => {
  const rows = freshRows();
  const { calls } = following(rows);
  await eventually(() => calls.opened === 1);
  await rows.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  await eventually(() => calls.ids.length === 3);
  expect(calls).toEqual({ opened: 1, lost: 0, ids: [1, 2, 3] });
});

test("a lost stream is reported and reopened", async () => {
  const rows = freshRows();
  const { calls } = following(rows);
  await eventually(() => calls.opened === 1);
  await rows.insertOne({ _id: 1 });
  await eventually(() => calls.ids.length === 1);
  await rows.drop();
  await eventually(() => calls.opened === 2);
  await rows.insertOne({ _id: 2 });
  await eventually(() => calls.ids.length === 2);
  expect(calls).toEqual({ opened: 2, lost: 1, ids: [1, 2] });
});

test("a follower that throws loses the stream, which is reopened", async () => {
  const rows = freshRows();
  const { calls } = following(rows, (id) => {
    if (id === 1) throw new Error("no");
  });
  await eventually(() => calls.opened === 1);
  await rows.insertOne({ _id: 1 });
  await eventually(() => calls.opened === 2);
  await rows.insertOne({ _id: 2 });
  await eventually(() => calls.ids.includes(2));
  expect(calls.lost).toBe(1);
});

test("a stream that cannot be opened is reported as lost", async () => {
  const client = database.client;
  const nowhere = client.db("x".repeat(80)).collection<Row>("rows");
  const { calls } = following(nowhere);
  await eventually(() => calls.lost >= 2);
  expect(calls.opened).toBe(0);
});

test("following ends when its signal aborts, and reports nothing more", async () => {
  const rows = freshRows();
  const { calls, stopping, done } = following(rows);
  await eventually(() => calls.opened === 1);
  stopping.abort();
  await done;
  await rows.insertOne({ _id: 1 });
  expect(calls).toEqual({ opened: 1, lost: 0, ids: [] });
});
