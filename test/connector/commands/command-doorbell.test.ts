import { randomUUID } from "node:crypto";
import { BSONRegExp, type Collection } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { listenToCommands } from "#connector/commands/command-doorbell.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { commandDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { foreignWriter, notUtf8 } from "#test/support/foreign-writer.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { fileDatabase } from "../connector.fixture.ts";

const file = fileDatabase();

/** A collection for each test, because some tests drop theirs. */
const freshCommands = (): Collection<CommandDocument> =>
  file.database.db.collection(`commands_${randomUUID()}`);

/** Listens until the test is over. Resolves when the stream is open. */
async function listening(commands: Collection<CommandDocument>) {
  const rung: string[] = [];
  const counts = { adopt: 0, reopened: 0 };
  const abort = new AbortController();
  const done = listenToCommands({
    commands,
    ring: (channelId) => rung.push(channelId),
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
  return { rung, counts, abort, done };
}

/** Inserts a command and waits until its channel was rung. */
async function insertUntilRung(
  commands: Collection<CommandDocument>,
  rung: readonly string[],
): Promise<void> {
  const channelId = randomUUID();
  await commands.insertOne(commandDocument(channelId));
  await eventually(() => rung.includes(channelId));
}

test("the doorbell rings for each new command, and not for updates or deletions", async () => {
  const commands = freshCommands();
  const { rung, counts } = await listening(commands);
  const [one, two] = [commandDocument("one"), commandDocument("two")];
  await commands.insertMany([one, two]);
  await commands.updateOne({ _id: one._id }, { $set: { state: "running" } });
  await commands.deleteOne({ _id: one._id });
  await commands.insertOne(commandDocument("last"));
  await eventually(() => rung.includes("last"));
  expect(rung).toEqual(["one", "two", "last"]);
  expect(counts).toEqual({ adopt: 0, reopened: 1 });
});

test("the doorbell rings for a retried command, and for none of its other steps", async () => {
  const commands = freshCommands();
  const { rung } = await listening(commands);
  const retried = commandDocument("retried");
  await commands.insertOne(retried);
  const step = (update: object) => commands.updateOne({ _id: retried._id }, update);
  await step({ $set: { state: "running" } });
  await step({ $set: { state: "queued" }, $unset: { claim: "" } });
  await step({ $set: { state: "dead", doneAt: new Date() } });
  await commands.insertOne(commandDocument("between"));
  await step([{ $set: { state: "queued", ord: "$$CLUSTER_TIME" } }, { $unset: ["doneAt"] }]);
  await eventually(() => rung.length === 3);
  expect(rung).toEqual(["retried", "between", "retried"]);
});

test.each([{}, { state: "queued" }, { state: null, attempts: null }])(
  "a document with %o and no `attempts` calls for adoption",
  async (fields) => {
    const commands = freshCommands();
    const { rung, counts } = await listening(commands);
    await commands.insertOne({ _id: randomUUID(), ...fields } as unknown as CommandDocument);
    await eventually(() => counts.adopt === 1);
    expect(rung).toEqual([]);
  },
);

test("a killed stream is reopened and reported as reopened", async () => {
  const commands = freshCommands();
  const { rung, counts } = await listening(commands);
  for (let times = 1; times <= 2; times++) {
    await insertUntilRung(commands, rung);
    expect(await killStreams(commands)).toBeGreaterThan(0);
    await eventually(() => counts.reopened === times + 1);
  }
  await insertUntilRung(commands, rung);
});

test("a command inserted as soon as the stream is reported open rings", async () => {
  const commands = freshCommands();
  const { rung } = await listening(commands);
  await commands.insertOne(commandDocument("first"));
  await eventually(() => rung.includes("first"));
});

test("a stream over a dropped collection is reopened and reported as reopened", async () => {
  const commands = freshCommands();
  const { rung, counts } = await listening(commands);
  await insertUntilRung(commands, rung);
  await commands.drop();
  await eventually(() => counts.reopened === 2);
  await insertUntilRung(commands, rung);
});

test("a stream is reopened after the connection to the database was cut", async () => {
  const commands = freshCommands();
  await using severable = await severableDatabase(file.database.db.databaseName);
  const { rung } = await listening(severable.db.collection(commands.collectionName));
  await insertUntilRung(commands, rung);
  severable.cut();
  const channelId = randomUUID();
  await commands.insertOne(commandDocument(channelId));
  await severable.mend();
  await insertUntilRung(commands, rung);
});

test("listening ends when its signal aborts, and does not start once it has", async () => {
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

/** Kills every stream on a collection, as an administrator would. Resolves to their number. */
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

test("documents that the driver cannot read, or that fill their 16 MB, do not cost the stream", async () => {
  await using writer = await foreignWriter(file.database.uri);
  const { rung, counts } = await listening(file.all.commands);
  const odd = [
    { channelId: notUtf8, attempts: 0 },
    { channelId: notUtf8 },
    { _id: `a-${notUtf8}`, channelId: { $ne: null }, attempts: 0 },
    { channelId: "x".repeat(101), attempts: 0 },
    { channelId: "x".repeat(15_500_000), attempts: 0 },
    { channelId: new BSONRegExp("(?i)["), attempts: notUtf8 },
  ];
  for (const document of odd) await writer.insert(document);
  await insertUntilRung(file.all.commands, rung);
  // Bytes that are not UTF-8 ring for a channel that does not exist.
  expect(rung.filter((channelId) => !channelId.includes("\ufffd"))).toHaveLength(1);
  expect(counts).toEqual({ adopt: 1, reopened: 1 });
});
