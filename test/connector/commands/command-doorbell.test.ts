import { randomUUID } from "node:crypto";
import type { Collection } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { listenToCommands } from "#connector/commands/command-doorbell.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { eventually } from "#test/support/eventually.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { commandDocument, fileDatabase, quiet } from "../connector.fixture.ts";

const file = fileDatabase();

/** Commands of its own for each test: some of them are dropped. */
const freshCommands = (): Collection<CommandDocument> =>
  file.database.db.collection(`commands_${randomUUID()}`);

/** Listens until the test is over. Resolves when the stream is open. */
async function listening(commands: Collection<CommandDocument>) {
  const heard: string[] = [];
  const counts = { adopt: 0, reopened: 0 };
  const abort = new AbortController();
  const done = listenToCommands({
    commands,
    ring: (channelId) => heard.push(channelId),
    adopt: () => counts.adopt++,
    reopened: () => counts.reopened++,
    log: quiet,
    signal: abort.signal,
  });
  onTestFinished(async () => {
    abort.abort();
    await done;
  });
  await eventually(() => counts.reopened > 0);
  return { heard, counts, abort, done };
}

/** Inserts a command and waits until its channel was rung. */
async function insertAndHear(commands: Collection<CommandDocument>, heard: readonly string[]): Promise<void> {
  const channelId = randomUUID();
  await commands.insertOne(commandDocument(channelId));
  await eventually(() => heard.includes(channelId));
}

test("rings for each new command, and only for new ones", async () => {
  const commands = freshCommands();
  const { heard, counts } = await listening(commands);
  const [one, two] = [commandDocument("one"), commandDocument("two")];
  await commands.insertMany([one, two]);
  await commands.updateOne({ _id: one._id }, { $set: { state: "running" } });
  await commands.deleteOne({ _id: one._id });
  await commands.insertOne(commandDocument("last"));
  await eventually(() => heard.includes("last"));
  expect(heard).toEqual(["one", "two", "last"]);
  expect(counts).toEqual({ adopt: 0, reopened: 1 });
});

test("rings for a command that is tried again, and for no other step of it", async () => {
  const commands = freshCommands();
  const { heard } = await listening(commands);
  const again = commandDocument("again");
  await commands.insertOne(again);
  const step = (update: object) => commands.updateOne({ _id: again._id }, update);
  await step({ $set: { state: "running" } });
  await step({ $set: { state: "queued" }, $unset: { claim: "" } });
  await step({ $set: { state: "dead", doneAt: new Date() } });
  await commands.insertOne(commandDocument("between"));
  await step([{ $set: { state: "queued", ord: "$$CLUSTER_TIME" } }, { $unset: ["doneAt"] }]);
  await eventually(() => heard.length === 3);
  expect(heard).toEqual(["again", "between", "again"]);
});

test.each([{}, { state: "queued" }, { state: null, attempts: null }])(
  "%o is for adoption, whatever it lacks",
  async (fields) => {
    const commands = freshCommands();
    const { heard, counts } = await listening(commands);
    await commands.insertOne({ _id: randomUUID(), ...fields } as unknown as CommandDocument);
    await eventually(() => counts.adopt === 1);
    expect(heard).toEqual([]);
  },
);

test("opens again when its stream was killed, and says so", async () => {
  const commands = freshCommands();
  const { heard, counts } = await listening(commands);
  for (let times = 1; times <= 2; times++) {
    await insertAndHear(commands, heard);
    expect(await killStreams(commands)).toBeGreaterThan(0);
    await eventually(() => counts.reopened === times + 1);
  }
  await insertAndHear(commands, heard);
});

test("what is inserted as soon as it says to be open is heard", async () => {
  const commands = freshCommands();
  const { heard } = await listening(commands);
  await commands.insertOne(commandDocument("first"));
  await eventually(() => heard.includes("first"));
});

test("opens again when the collection was dropped, and says so", async () => {
  const commands = freshCommands();
  const { heard, counts } = await listening(commands);
  await insertAndHear(commands, heard);
  await commands.drop();
  await eventually(() => counts.reopened === 2);
  await insertAndHear(commands, heard);
});

test("opens again when the line to the database was cut for a while", async () => {
  const commands = freshCommands();
  await using severable = await severableDatabase(file.database.db.databaseName);
  const { heard } = await listening(severable.db.collection(commands.collectionName));
  await insertAndHear(commands, heard);
  severable.cut();
  const channelId = randomUUID();
  await commands.insertOne(commandDocument(channelId));
  await severable.mend();
  await insertAndHear(commands, heard);
});

test("ends when it is told to, at once and also before it began", async () => {
  const { abort, done, counts } = await listening(freshCommands());
  abort.abort();
  await done;
  await listenToCommands({
    commands: freshCommands(),
    ring: () => undefined,
    adopt: () => undefined,
    reopened: () => counts.reopened++,
    log: quiet,
    signal: AbortSignal.abort(),
  });
  expect(counts.reopened).toBe(1);
});

/** Kills every stream on a collection, as an administrator would. Resolves to how many. */
async function killStreams(commands: Collection<CommandDocument>): Promise<number> {
  const { client, db } = file.database;
  const operations = await client
    .db("admin")
    .aggregate<{ cursor?: { cursorId: bigint } }>([
      { $currentOp: { allUsers: true, idleCursors: true } },
      { $match: { ns: commands.namespace, "cursor.cursorId": { $exists: true } } },
    ])
    .toArray();
  const cursors = operations.flatMap(({ cursor }) => (cursor ? [cursor.cursorId] : []));
  await db.command({ killCursors: commands.collectionName, cursors });
  return cursors.length;
}
