import { randomBytes } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";
import { collectionNames } from "#shared/collections.ts";

/** A database on the MongoDB that all tests share. Disposal drops it and closes the client. */
export type TestDatabase = AsyncDisposable & {
  client: MongoClient;
  db: Db;
  /** Includes the database, for code that makes its own client. */
  uri: string;
};

/** Creates an empty database. For one test: `await using database = await testDatabase()`; for a file: in `beforeAll`. */
export async function testDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const address = new URL(inject("mongoUri"));
  address.pathname = name;
  const uri = address.href;
  const client = await MongoClient.connect(uri);
  const db = client.db(name);
  return {
    client,
    db,
    uri,
    async [Symbol.asyncDispose]() {
      await killLeftTransactions(db);
      await db.dropDatabase();
      await client.close();
    },
  };
}

/** A connector that was killed can leave a transaction open, behind which `dropDatabase` would wait for a minute. */
async function killLeftTransactions(db: Db): Promise<void> {
  const sessions = await db
    .collection(collectionNames.authKeys)
    .distinct("session", { session: { $exists: true } });
  if (sessions.length > 0) await db.command({ killSessions: sessions });
}
