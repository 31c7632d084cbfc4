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
  const told = { opened: 0, lost: 0, ids: [] as number[] };
  const stopping = new AbortController();
  const done = followChanges<ChangeStreamInsertDocument<Row>>({
    name: "rows",
    watch: () => rows.watch([{ $match: { operationType: "insert" } }]),
    opened: () => told.opened++,
    lost: () => told.lost++,
    changed({ fullDocument }) {
      told.ids.push(fullDocument._id);
      changed(fullDocument._id);
    },
    log,
    signal: stopping.signal,
  });
  onTestFinished(async () => {
    stopping.abort();
    await done;
  });
  return { told, stopping, done };
}

test("what is written as soon as it says to be open is told, in order", async () => {
  const rows = freshRows();
  const { told } = following(rows);
  await eventually(() => told.opened === 1);
  await rows.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  await eventually(() => told.ids.length === 3);
  expect(told).toEqual({ opened: 1, lost: 0, ids: [1, 2, 3] });
});

test("a stream that is lost is said to be, and opened again", async () => {
  const rows = freshRows();
  const { told } = following(rows);
  await eventually(() => told.opened === 1);
  await rows.insertOne({ _id: 1 });
  await eventually(() => told.ids.length === 1);
  await rows.drop();
  await eventually(() => told.opened === 2);
  await rows.insertOne({ _id: 2 });
  await eventually(() => told.ids.length === 2);
  expect(told).toEqual({ opened: 2, lost: 1, ids: [1, 2] });
});

test("a listener that throws costs the stream, not the following", async () => {
  const rows = freshRows();
  const { told } = following(rows, (id) => {
    if (id === 1) throw new Error("no");
  });
  await eventually(() => told.opened === 1);
  await rows.insertOne({ _id: 1 });
  await eventually(() => told.opened === 2);
  await rows.insertOne({ _id: 2 });
  await eventually(() => told.ids.includes(2));
  expect(told.lost).toBe(1);
});

test("a stream that cannot be opened is told of too", async () => {
  const client = database.client;
  const nowhere = client.db("x".repeat(80)).collection<Row>("rows");
  const { told } = following(nowhere);
  await eventually(() => told.lost >= 2);
  expect(told.opened).toBe(0);
});

test("it ends when it is told to, and tells nothing more", async () => {
  const rows = freshRows();
  const { told, stopping, done } = following(rows);
  await eventually(() => told.opened === 1);
  stopping.abort();
  await done;
  await rows.insertOne({ _id: 1 });
  expect(told).toEqual({ opened: 1, lost: 0, ids: [] });
});
