import { randomUUID } from "node:crypto";
import { BSONRegExp, type Collection } from "mongodb";
import { expect, onTestFinished, test } from "vitest";
import { listenToCommands } from "#connector/commands/command-doorbell.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { changesOf } from "#test/support/changes-of.ts";
import { commandDocument } from "#test/support/documents.ts";
import { eventually } from "#test/support/eventually.ts";
import { foreignWriter, notUtf8 } from "#test/support/foreign-writer.ts";
import { killStreams } from "#test/support/kill-streams.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { testDatabase } from "#test/support/test-database.ts";

/** Commands in a database of their own, which other tests neither ring nor drop. */
async function freshCommands(): Promise<Collection<CommandDocument>> {
  const database = await testDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  return collections(database.db).commands;
}

/** Listens until the test is over. Resolves when the stream is open. */
async function listening(commands: Collection<CommandDocument>) {
  const rung: string[] = [];
  const lanes: unknown[] = [];
  const counts = { adopt: 0, reopened: 0 };
  const abort = new AbortController();
  const changes = changesOf(commands.db);
  listenToCommands({
    changes,
    commands,
    ring(channelId, { lane }) {
      rung.push(channelId);
      lanes.push(lane);
    },
    adopt: () => counts.adopt++,
    reopened: () => counts.reopened++,
    log: quiet,
    signal: abort.signal,
  });
  onTestFinished(() => abort.abort());
  await eventually(() => counts.reopened > 0);
  return { rung, lanes, counts, abort, changes };
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
  const commands = await freshCommands();
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
  const commands = await freshCommands();
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
    const commands = await freshCommands();
    const { rung, counts } = await listening(commands);
    await commands.insertOne({ _id: randomUUID(), ...fields } as unknown as CommandDocument);
    await eventually(() => counts.adopt === 1);
    expect(rung).toEqual([]);
  },
);

test("a killed stream is opened again", async () => {
  const commands = await freshCommands();
  const { rung } = await listening(commands);
  await insertUntilRung(commands, rung);
  expect(await killStreams(commands.db)).toBeGreaterThan(0);
  await eventually(async () => {
    await commands.insertOne(commandDocument("after"));
    return rung.includes("after");
  });
});

test("a command inserted as soon as the stream is reported open rings", async () => {
  const commands = await freshCommands();
  const { rung } = await listening(commands);
  await commands.insertOne(commandDocument("first"));
  await eventually(() => rung.includes("first"));
});

test("a stream over a dropped database is reopened and reported as reopened", async () => {
  const commands = await freshCommands();
  const { rung, counts } = await listening(commands);
  await insertUntilRung(commands, rung);
  await commands.db.dropDatabase();
  await eventually(() => counts.reopened === 2);
  await insertUntilRung(commands, rung);
});

test("a stream is reopened after the connection to the database was cut", async () => {
  const commands = await freshCommands();
  await using severable = await severableDatabase(commands.db.databaseName);
  const { rung } = await listening(severable.db.collection(commands.collectionName));
  await insertUntilRung(commands, rung);
  severable.cut();
  const channelId = randomUUID();
  await commands.insertOne(commandDocument(channelId));
  await severable.mend();
  await insertUntilRung(commands, rung);
});

test("listening ends when its signal aborts, and does not start once it has", async () => {
  const commands = await freshCommands();
  const { abort, rung, counts, changes } = await listening(commands);
  abort.abort();
  const later = { ...counts, rung: [] as string[] };
  listenToCommands({
    changes,
    commands,
    ring: (channelId) => later.rung.push(channelId),
    adopt: () => undefined,
    reopened: () => later.reopened++,
    log: quiet,
    signal: AbortSignal.abort(),
  });
  const third: string[] = [];
  const changed = ({ channelId }: { channelId: string | null }) => void third.push(String(channelId));
  changes.listen({ topics: ["command_queued"], changed }, new AbortController().signal);
  await insertUntilRung(commands, third);
  expect([rung, later.rung, later.reopened]).toEqual([[], [], 1]);
});

test("a ring names the lane, unless there is no such lane", async () => {
  const commands = await freshCommands();
  const { lanes } = await listening(commands);
  for (const lane of [0, 2, 7, "x"]) await commands.insertOne(commandDocument("c", { lane: lane as 1 }));
  await eventually(() => lanes.length === 4);
  expect(lanes).toEqual([0, 2, undefined, undefined]);
});

test("documents that the driver cannot read, or that fill their 16 MB, do not cost the stream", async () => {
  await using database = await testDatabase();
  const { commands } = collections(database.db);
  await using writer = await foreignWriter(database.uri);
  const { rung, counts } = await listening(commands);
  const odd = [
    { channelId: notUtf8, attempts: 0 },
    { channelId: notUtf8 },
    { _id: `a-${notUtf8}`, channelId: { $ne: null }, attempts: 0 },
    { channelId: "x".repeat(101), attempts: 0 },
    { channelId: "x".repeat(15_500_000), attempts: 0 },
    { channelId: new BSONRegExp("(?i)["), attempts: notUtf8 },
  ];
  for (const document of odd) await writer.insert(document);
  await insertUntilRung(commands, rung);
  // Bytes that are not UTF-8 ring for a channel that does not exist.
  expect(rung.filter((channelId) => !channelId.includes("\ufffd"))).toHaveLength(1);
  expect(counts).toEqual({ adopt: 1, reopened: 1 });
});
