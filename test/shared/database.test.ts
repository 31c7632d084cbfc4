import { MongoClient, MongoServerError } from "mongodb";
import { expect, test } from "vitest";
import { findServer } from "#infra/mongo/find-server.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { collectionNames } from "#shared/collections.ts";
import {
  assertReplicaSet,
  collections,
  ensureIndexes,
  missingIndexes,
  topologyProblem,
} from "#shared/database.ts";
import { indexes } from "#shared/indexes.ts";
import { standaloneMongo } from "../support/standalone-mongo.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

const retention = { eventsDays: 7, messagesDays: 30 };
const daySeconds = 86_400;

/** Every index of a database, as `collection.index`, with its time-to-live. */
async function existingIndexes({ db }: TestDatabase) {
  const found = new Map<string, number | undefined>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray())
    for (const index of await db.collection(name).indexes())
      if (index.name !== "_id_") found.set(`${name}.${index.name}`, index.expireAfterSeconds);
  return found;
}

const wanted = Object.entries(indexes(retention)).flatMap(([name, list]) =>
  list.map((index) => `${name}.${index.name}`),
);

test("an empty database lacks every index, and none after `ensureIndexes`", async () => {
  await using database = await testDatabase();
  expect(await missingIndexes(database.db, retention)).toEqual(wanted);
  await ensureIndexes(database.db, retention);
  expect(await missingIndexes(database.db, retention)).toEqual([]);
  expect([...(await existingIndexes(database)).keys()].sort()).toEqual(wanted.toSorted());
});

test("a second `ensureIndexes` changes nothing", async () => {
  await using database = await testDatabase();
  await ensureIndexes(database.db, retention);
  const before = await existingIndexes(database);
  await ensureIndexes(database.db, retention);
  expect(await existingIndexes(database)).toEqual(before);
});

test("`ensureIndexes` uses one connection: on a busy machine a start would fail while it waits for more", async () => {
  await using database = await testDatabase();
  await using client = new MongoClient(database.uri);
  let opened = 0;
  client.on("connectionCreated", () => opened++);
  await ensureIndexes(client.db(), retention);
  expect(opened).toBe(1);
});

test("several processes can run `ensureIndexes` at once, also with another retention", async () => {
  await using database = await testDatabase();
  const several = (days: { eventsDays: number; messagesDays: number }) =>
    Promise.all(Array.from({ length: 8 }, () => ensureIndexes(database.db, days)));
  await several(retention);
  expect(await missingIndexes(database.db, retention)).toEqual([]);
  await several({ eventsDays: 1, messagesDays: 2 });
  expect((await existingIndexes(database)).get("events.kept")).toBe(daySeconds);
});

test("another retention changes the lifetime of events and messages, and nothing else", async () => {
  await using database = await testDatabase();
  await ensureIndexes(database.db, retention);
  const before = await existingIndexes(database);
  const lifetimes = ["events.kept", "messages.recorded", "messages.former"].map((name) => before.get(name));
  expect(lifetimes).toEqual([7, 30, 30].map((days) => days * daySeconds));
  await ensureIndexes(database.db, { eventsDays: 1, messagesDays: 365 });
  const after = await existingIndexes(database);
  const changed = ["messages.recorded", "messages.former"].map((name) => [name, 365 * daySeconds] as const);
  expect(after).toEqual(new Map([...before, ["events.kept", daySeconds], ...changed]));
});

test("an index of a former version is dropped", async () => {
  await using database = await testDatabase();
  await database.db.collection("whatsapp_auth_keys").createIndex({ channelId: 1 }, { name: "channel" });
  await ensureIndexes(database.db, retention);
  expect([...(await existingIndexes(database)).keys()]).not.toContain("whatsapp_auth_keys.channel");
});

test("a dropped index is reported as missing, and created again", async () => {
  await using database = await testDatabase();
  await ensureIndexes(database.db, retention);
  await database.db.collection("commands").dropIndex("next");
  await database.db.collection("api_keys").drop();
  expect(await missingIndexes(database.db, retention)).toEqual(["commands.next", "api_keys.hash"]);
  await ensureIndexes(database.db, retention);
  expect(await missingIndexes(database.db, retention)).toEqual([]);
});

test("every collection has an entry for its indexes, and its typed name", async () => {
  expect(Object.keys(indexes(retention)).sort()).toEqual(Object.values(collectionNames).toSorted());
  await using database = await testDatabase();
  for (const [key, collection] of Object.entries(collections(database.db)))
    expect(collection.collectionName).toBe(collectionNames[key as keyof typeof collectionNames]);
});

test("a `seq` exists once per channel, and rows without one, such as fences, do not collide", async () => {
  await using database = await testDatabase();
  await ensureIndexes(database.db, retention);
  const events = database.db.collection<{ _id: string; channelId: string; seq?: number }>("events");
  await events.insertMany([
    { _id: "a/fence", channelId: "a" },
    { _id: "a/other", channelId: "a" },
    { _id: "1", channelId: "a", seq: 1 },
    { _id: "2", channelId: "b", seq: 1 },
  ]);
  const twice = events.insertOne({ _id: "3", channelId: "a", seq: 1 });
  await expect(twice).rejects.toThrow(MongoServerError);
  await expect(twice).rejects.toMatchObject({ code: 11_000 });
});

test("a message id belongs to one command per channel, and commands without one do not collide", async () => {
  await using database = await testDatabase();
  await ensureIndexes(database.db, retention);
  const commands = database.db.collection<{ channelId: string; messageId?: string }>("commands");
  await commands.insertMany([{ channelId: "a" }, { channelId: "a" }, { channelId: "a", messageId: "m" }]);
  await commands.insertOne({ channelId: "b", messageId: "m" });
  await expect(commands.insertOne({ channelId: "a", messageId: "m" })).rejects.toMatchObject({
    code: 11_000,
  });
});

test("a replica set is accepted", async () => {
  await using database = await testDatabase();
  await assertReplicaSet(database.db);
});

test("a sharded cluster is refused, as long as nobody has tested it", () => {
  expect(topologyProblem({ msg: "isdbgrid" })).toMatch(
    /^MONGO_URI points to a sharded cluster\..*replica set/,
  );
  expect(topologyProblem({ setName: "rs0" })).toBeNull();
});

test("a standalone server is refused with a message that says what to do", { timeout: 180_000 }, async () => {
  await using folder = await temporaryFolder();
  const signal = AbortSignal.timeout(120_000);
  const program = { env: process.env, dataVersion: undefined, progress: silentProgress, signal };
  const { path } = await findServer(program);
  await using standalone = await standaloneMongo(path, folder.path);
  await using client = await MongoClient.connect(standalone.uri);
  const asserted = assertReplicaSet(client.db());
  await expect(asserted).rejects.toMatchObject({ name: "UnsupportedMongoError" });
  await expect(asserted).rejects.toThrow(/MONGO_URI points to a standalone.*--replSet/s);
});
