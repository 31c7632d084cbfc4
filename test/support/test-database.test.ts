import type { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { testDatabase } from "./test-database.ts";

test("every database is empty, apart from the others, and gone afterwards", async () => {
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
  const left = await databaseNames(one.client);
  expect(left).toContain(one.db.databaseName);
  expect(left).not.toContain(other);
});

async function databaseNames(client: MongoClient): Promise<string[]> {
  const { databases } = await client.db("admin").admin().listDatabases();
  return databases.map(({ name }) => name);
}

test("change streams work, which need a replica set", async () => {
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
