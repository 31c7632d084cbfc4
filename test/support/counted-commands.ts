import { MongoClient } from "mongodb";
import type { TestDatabase } from "./test-database.ts";

/** A client of its own on a test's database, which notes the commands that it sends, without those of the driver itself. */
export async function countedCommands({ uri, db: { databaseName } }: TestDatabase) {
  const client = await MongoClient.connect(uri, { monitorCommands: true });
  const names: string[] = [];
  client.on("commandStarted", ({ commandName }) => {
    if (!["hello", "ping", "endSessions"].includes(commandName)) names.push(commandName);
  });
  return {
    db: client.db(databaseName),
    names,
    [Symbol.asyncDispose]: () => client.close(),
  };
}
