import type { Collection } from "mongodb";
import { pino } from "pino";
import { expect, test } from "vitest";
import { changeStreamResults } from "#functions/results/change-stream-results.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { foreignWriter, notUtf8 } from "#test/support/foreign-writer.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";
import { resultsTestsuite } from "./results.testsuite.ts";

const silent = pino({ level: "silent" });

resultsTestsuite({ make: (commands, read) => changeStreamResults({ commands, read, log: silent }) });

/** Expects one read of a command when the wait begins and one when the stream reports it. */
function countReads(
  commands: Collection<CommandDocument>,
  log = silent,
): AsyncDisposable & { expectTwoReads(): Promise<unknown> } {
  const real = mongoCommandOutcome(commands);
  let reads = 0;
  const read = (id: string) => {
    reads += 1;
    return real(id);
  };
  const results = changeStreamResults({ commands, read, log });
  let n = 0;
  const waitsWithTwoReads = async () => {
    reads = 0;
    const _id = `command ${n++}`;
    await commands.insertOne({ _id, channelId: "c", state: "queued" } as CommandDocument);
    const wait = results.wait(_id, 20_000, new AbortController().signal);
    await commands.updateOne({ _id }, { $set: { state: "succeeded" } });
    expect(await wait).toEqual({ state: "succeeded" });
    return reads === 2;
  };
  return {
    expectTwoReads: () => eventually(waitsWithTwoReads),
    [Symbol.asyncDispose]: () => results[Symbol.asyncDispose](),
  };
}

test("the change stream says which command to read, so two reads are enough", async () => {
  await using database = await testDatabase();
  await using results = countReads(collections(database.db).commands);
  await results.expectTwoReads();
});

test("a command whose _id the driver cannot read, or has no text, does not cost the stream", async () => {
  await using database = await testDatabase();
  await using writer = await foreignWriter(database.uri);
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  await using results = countReads(collections(database.db).commands, log);
  await results.expectTwoReads();
  for (const _id of [`a-${notUtf8}`, { toString: 4, [notUtf8]: 1 }, new Date()]) await writer.insert({ _id });
  await writer.commands.updateMany({ state: null }, { $set: { state: "failed" } });
  await results.expectTwoReads();
  expect(lines).toEqual([]);
});

test("a lost change stream is opened again", async () => {
  await using database = await testDatabase();
  const { commands } = collections(database.db);
  const lines: string[] = [];
  await using results = countReads(commands, pino({}, { write: (line: string) => void lines.push(line) }));
  await results.expectTwoReads();
  await eventually(async () => {
    await killStreams(database);
    return lines.some((line) => line.includes("change stream lost"));
  });
  await results.expectTwoReads();
});

async function killStreams({ client, db }: TestDatabase): Promise<void> {
  const ns = `${db.databaseName}.commands`;
  const running = await client
    .db("admin")
    .aggregate([{ $currentOp: { idleCursors: true, allUsers: true } }, { $match: { ns } }])
    .toArray();
  const cursors = running.map(({ cursor }) => cursor?.cursorId).filter(Boolean);
  if (cursors.length > 0) await db.command({ killCursors: "commands", cursors });
}
