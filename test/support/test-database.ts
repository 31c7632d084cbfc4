import { randomBytes } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";

/** A database of its own on the MongoDB that all tests share; disposal drops it and closes the client. */
export type TestDatabase = AsyncDisposable & {
  client: MongoClient;
  db: Db;
  /** Names the database, for code that makes its own client. */
  uri: string;
};

/**
 * A fresh, empty database, on another MongoDB when its URI is given. In one test: `await using database = await
 * testDatabase()`; for a file: in `beforeAll`.
 */
export async function testDatabase(mongoUri: string = inject("mongoUri")): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  // Not a `URL`: a replica set has several hosts.
  const uri = mongoUri.replace(/^(mongodb:\/\/[^/]+)\/[^?]*/, `$1/${name}`);
  const client = await MongoClient.connect(uri);
  const db = client.db(name);
  return {
    client,
    db,
    uri,
    async [Symbol.asyncDispose]() {
      await db.dropDatabase();
      await client.close();
    },
  };
}
