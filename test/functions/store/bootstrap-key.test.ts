import { pino } from "pino";
import { expect, test } from "vitest";
import { ensureBootstrapKey } from "#functions/store/bootstrap-key.ts";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import { collections, ensureIndexes } from "#shared/database.ts";
import { testDatabase } from "#test/support/test-database.ts";

async function emptyKeys() {
  const database = await testDatabase();
  await ensureIndexes(database.db, { eventsDays: 7, messagesDays: 30 });
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const { apiKeys } = collections(database.db);
  const ensure = (key: string | null) => ensureBootstrapKey(apiKeys, key, log);
  return { apiKeys, lines, ensure, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

test("the first key is an administrator's, stored as a hash", async () => {
  await using keys = await emptyKeys();
  const key = newApiKey();
  await keys.ensure(key);
  await keys.ensure(key);
  expect(await keys.apiKeys.find().toArray()).toEqual([
    expect.objectContaining({ hash: hashSecret(key), scopes: ["admin"], channels: null, revokedAt: null }),
  ]);
  expect(keys.lines).toEqual([]);
});

test("a different key changes nothing and logs a warning without the key", async () => {
  await using keys = await emptyKeys();
  await keys.ensure(newApiKey());
  const before = await keys.apiKeys.find().toArray();
  const other = newApiKey();
  await keys.ensure(other);
  expect(await keys.apiKeys.find().toArray()).toEqual(before);
  expect(keys.lines).toHaveLength(1);
  expect(keys.lines[0]).toContain('"level":40');
  expect(keys.lines[0]).not.toContain(other);
});

test("processes that start at once with one key create it once", async () => {
  await using keys = await emptyKeys();
  const key = newApiKey();
  await Promise.all(Array.from({ length: 10 }, () => keys.ensure(key)));
  expect(await keys.apiKeys.countDocuments()).toBe(1);
  expect(keys.lines).toEqual([]);
});

test("processes with different keys create one key, and the others log a warning", async () => {
  await using keys = await emptyKeys();
  await Promise.all(Array.from({ length: 5 }, () => keys.ensure(newApiKey())));
  expect(await keys.apiKeys.countDocuments()).toBe(1);
  expect(keys.lines).toHaveLength(4);
});

test("a start without API_KEY logs a warning only while no key exists", async () => {
  await using keys = await emptyKeys();
  await keys.ensure(null);
  expect(keys.lines).toHaveLength(1);
  await keys.ensure(newApiKey());
  await keys.ensure(null);
  expect(keys.lines).toHaveLength(1);
});
