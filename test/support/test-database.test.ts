import type { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { testDatabase } from "./test-database.ts";

test("a test database starts empty, is separate from others, and is dropped on disposal", async () => {
  await using one = await testDatabase();
  await one.db.collection("things").insertOne({ owner: "one" });
  let other: string;
  {
    await using second = await testDatabase();
    other = second.db.databaseName;
    await second.db.collection("things").insertOne({ owner: "second" });
    expect(await one.db.collection("things").distinct("owner")).toEqual(["one"]);
    expect(await databaseNames(one.client)).toContain(other);
  }
  const remaining = await databaseNames(one.client);
  expect(remaining).toContain(one.db.databaseName);
  expect(remaining).not.toContain(other);
});

async function databaseNames(client: MongoClient): Promise<string[]> {
  const { databases } = await client.db("admin").admin().listDatabases();
  return databases.map(({ name }) => name);
}

test("the shared MongoDB is a replica set, so change streams work", async () => {
  await using database = await testDatabase();
  const things = await database.db.createCollection("things");
  await using stream = things.watch();
  const seen: unknown[] = [];
  stream.on("change", (change) => void seen.push(change.operationType));
  await eventually(async () => {
    await things.insertOne({});
    expect(seen).toContain("insert");
    return true;
  });
});
