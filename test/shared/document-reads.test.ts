import { randomUUID } from "node:crypto";
import { BSONRegExp, type Document } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDocument } from "#shared/document-reads.ts";
import { countedCommands } from "#test/support/counted-commands.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

interface Row {
  _id: string;
  value?: number;
}

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test("documents that are asked for at once are one query, and each caller gets its own", async () => {
  const ids = Array.from({ length: 10 }, () => randomUUID());
  await database.db.collection<Row>("rows").insertMany(ids.map((_id, value) => ({ _id, value })));
  await using counted = await countedCommands(database);
  const rows = counted.db.collection<Row>("rows");
  const asked = [...ids, "absent", ids[0] ?? ""];
  const found = await Promise.all(asked.map((id) => readDocument(rows, id)));
  expect(found.map((row) => row?.value ?? null)).toEqual([...ids.keys(), null, 0]);
  expect(counted.names).toEqual(["find"]);
});

test("a document that cannot be read fails alone", async () => {
  const [good, bad] = [randomUUID(), randomUUID()];
  const rows = database.db.collection<Row>("rows");
  await rows.insertOne({ _id: good, value: 1 });
  // JavaScript cannot compile this expression, so the driver refuses to read it.
  await database.db
    .collection<Document>("rows")
    .insertOne({ _id: bad, value: new BSONRegExp("(?i)x") } as object);
  const outcomes = await Promise.allSettled([good, bad].map((id) => readDocument(rows, id)));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
});
