import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { authCollections } from "#connector/auth/auth-rows.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { open, pairedChannel } from "./auth.fixture.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const keys = () => authCollections(database.db).keys;
const fenceOf = (channelId: string) => keys().findOne({ _id: `${channelId}/fence` });

test("an open transaction of a killed owner does not delay its successor", async () => {
  const channelId = await pairedChannel(database.db);
  await using _killed = await open(database.db, { channelId, epoch: 5 });
  await using client = await MongoClient.connect(database.uri);
  const session = client.startSession();
  await keys().updateOne({ _id: `${channelId}/fence` }, { $set: { session: session.id } });
  session.startTransaction();
  await authCollections(client.db()).keys.updateOne(
    { _id: `${channelId}/fence` },
    { $inc: { n: 1 } },
    { session },
  );
  await using next = await open(database.db, { channelId, epoch: 6 });
  expect(next.linked()).toBe(true);
  await expect(session.commitTransaction()).rejects.toThrow();
});

test("an owner that stopped in order leaves no session to kill", async () => {
  const channelId = await pairedChannel(database.db);
  {
    await using _auth = await open(database.db, { channelId, epoch: 5 });
    expect(await fenceOf(channelId)).toHaveProperty("session.id");
  }
  expect(await fenceOf(channelId)).not.toHaveProperty("session");
});

test("a superseded owner does not clear its successor's session", async () => {
  const channelId = await pairedChannel(database.db);
  const former = await open(database.db, { channelId, epoch: 5 });
  await using _next = await open(database.db, { channelId, epoch: 6 });
  const { session } = (await fenceOf(channelId)) as unknown as { session: object };
  await former.close().catch((error: unknown) => expect(error).toBeInstanceOf(FencedError));
  expect(await fenceOf(channelId)).toMatchObject({ epoch: 6, session });
});
