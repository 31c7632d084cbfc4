import { afterAll, beforeAll } from "vitest";
import { type Collections, collections, ensureIndexes } from "#shared/database.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

/** A database with the product's indexes, for one test file. */
export function fileDatabase(): { readonly database: TestDatabase; readonly all: Collections } {
  let database: TestDatabase | undefined;
  const present = () => {
    if (!database) throw new Error("The database does not exist before beforeAll");
    return database;
  };
  beforeAll(async () => {
    database = await testDatabase();
    await ensureIndexes(database.db, { eventsDays: 7, messagesDays: 30 });
  });
  afterAll(() => database?.[Symbol.asyncDispose]());
  return {
    get database() {
      return present();
    },
    get all() {
      return collections(present().db);
    },
  };
}
