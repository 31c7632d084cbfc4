import { randomUUID } from "node:crypto";
import { type CommandStartedEvent, type Document, MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuthState } from "#connector/auth/auth-state.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { keyPair, open, pair, pairedChannel } from "./auth.fixture.ts";

let database: TestDatabase;
let client: MongoClient;
const sent: CommandStartedEvent[] = [];
beforeAll(async () => {
  database = await testDatabase();
  client = await MongoClient.connect(database.uri, { monitorCommands: true });
  client.on("commandStarted", (event) => sent.push(event));
});
afterAll(async () => {
  await client.close();
  await database[Symbol.asyncDispose]();
});

const preKeys = Object.fromEntries(["1", "2", "3"].map((id) => [id, keyPair()]));
const mappings = { a: "1", b: "2" };

/** Fills the channel with what its owner then deletes. */
async function fill({ state }: AuthState): Promise<void> {
  await state.keys.set({ "pre-key": preKeys, "lid-mapping": mappings });
}

/** The writes that `work` sent to the database. */
async function writesOf(work: () => Promise<unknown>): Promise<Document[]> {
  sent.length = 0;
  await work();
  return sent
    .map(({ command }) => command)
    .filter(
      ({ find, getMore, killSessions, endSessions }) => !(find ?? getMore ?? killSessions ?? endSessions),
    );
}

/** Sends commands again, as a process that was suspended before them does; the server may refuse them. */
async function sendLate(commands: readonly Document[]): Promise<void> {
  // Its sessions are new: to the server, nothing repeats a write that it knows.
  await using late = await MongoClient.connect(database.uri);
  await using session = late.startSession();
  for (const { lsid, $db, $clusterTime, ...command } of commands) {
    await late
      .db($db)
      .command(command, { session })
      .catch(() => undefined);
  }
}

const works: [what: string, work: (owner: AuthState) => Promise<unknown>][] = [
  [
    "deletes rows",
    async ({ state }) =>
      state.keys.set({ "pre-key": { "1": null, "4": keyPair() }, "lid-mapping": { a: null } }),
  ],
  [
    "deletes rows and stores credentials",
    async (owner) => {
      owner.state.creds.nextPreKeyId += 1;
      owner.save();
      await owner.state.keys.set({ "pre-key": { "1": null, "4": keyPair() } });
    },
  ],
  ["erases the channel", (owner) => owner.erase()],
];

describe.each(works)("an owner that was suspended while it %s", (_what, work) => {
  test("takes nothing from its successor when it resumes", async () => {
    const channelId = await pairedChannel(database.db);
    await using former = await open(client.db(), { channelId, onLost: () => undefined });
    await fill(former);
    const commands = await writesOf(() => work(former));
    expect(commands.length).toBeGreaterThan(0);
    for (let at = 0, epoch = 2; at < commands.length; at++, epoch += 2) {
      await using successor = await open(database.db, { channelId, epoch });
      if (!successor.linked()) await link(successor);
      await fill(successor);
      await sendLate(commands.slice(at));
      await using next = await open(database.db, { channelId, epoch: epoch + 1 });
      expect(next.linked()).toBe(true);
      expect(await next.state.keys.get("pre-key", ["1", "2", "3"])).toEqual(preKeys);
      expect(await next.state.keys.get("lid-mapping", ["a", "b"])).toEqual(mappings);
    }
  });
});

async function link(auth: AuthState): Promise<void> {
  await auth.create();
  pair(auth.state.creds);
  auth.save();
  await auth.flush();
}

test("each command that writes or deletes keys begins with the fence, however much is written", async () => {
  const channelId = await pairedChannel(database.db);
  await using auth = await open(client.db(), { channelId });
  const rows = Array.from({ length: 2_500 }, (_, index) => [`${index}`, "x"]);
  const large = { y: "y".repeat(3 * 1024 * 1024), z: "z".repeat(3 * 1024 * 1024) };
  const commands = await writesOf(async () => {
    await auth.state.keys.set({ "lid-mapping": Object.fromEntries(rows) });
    await auth.state.keys.set({ "lid-mapping": { ...large, "0": null } });
  });
  expect(commands.map(({ updates }) => updates?.[0].q._id)).toEqual(
    Array.from({ length: 5 }, () => `${channelId}/fence`),
  );
  expect(commands.map(({ updates }) => updates.length - 1)).toEqual([900, 900, 700, 1, 2]);
});

test("a deleted row is absent, and expires unless it is written again", async () => {
  const channelId = randomUUID();
  await using auth = await open(database.db, { channelId });
  await link(auth);
  const stored = (id: string) =>
    database.db
      .collection<{ _id: string }>("whatsapp_auth_keys")
      .findOne({ _id: `${channelId}/lid-mapping/${id}` });
  await fill(auth);
  await auth.state.keys.set({ "lid-mapping": { a: null, b: null } });
  await auth.state.keys.set({ "lid-mapping": { b: "3" } });
  await using next = await open(database.db, { channelId, epoch: 2 });
  expect(await next.state.keys.get("lid-mapping", ["a", "b"])).toEqual({ b: "3" });
  expect(await stored("a")).toMatchObject({ expiresAt: expect.any(Date) });
  expect(await stored("a")).not.toHaveProperty("keyData");
  expect(await stored("b")).not.toHaveProperty("expiresAt");
});
