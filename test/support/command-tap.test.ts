import { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { commandTap } from "./command-tap.ts";
import { testDatabase } from "./test-database.ts";

test("a tap notes each command with its client, its rows and whether it is durable", async () => {
  await using database = await testDatabase();
  await using tap = await commandTap(database.uri);
  await using client = await MongoClient.connect(tap.uri, { appName: "counted" });
  const rows = client.db().collection<{ _id: number }>("rows");
  const durable = { writeConcern: { w: "majority" } } as const;
  await rows.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }], durable);
  await rows.bulkWrite([1, 2].map((_id) => ({ deleteOne: { filter: { _id } } })));
  await rows.findOneAndDelete({ _id: 3 }, durable);
  await rows.find().toArray();

  expect(tap.commands.map(({ bytes: _, ...one }) => one)).toEqual([
    { app: "counted", name: "insert", collection: "rows", rows: 3, isDurable: true },
    { app: "counted", name: "delete", collection: "rows", rows: 2, isDurable: false },
    { app: "counted", name: "findAndModify", collection: "rows", rows: 1, isDurable: true },
    { app: "counted", name: "find", collection: "rows", rows: 0, isDurable: false },
  ]);
  expect(Math.min(...tap.commands.map(({ bytes }) => bytes))).toBeGreaterThan(50);
});
