import { type Collection, ObjectId } from "mongodb";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { changeStreamResults } from "#functions/results/change-stream-results.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import { type ChangeHub, createChangeHub } from "#shared/change-hub.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { changesOf } from "#test/support/changes-of.ts";
import { eventually } from "#test/support/eventually.ts";
import { foreignWriter, notUtf8 } from "#test/support/foreign-writer.ts";
import { killStreams } from "#test/support/kill-streams.ts";
import { quiet } from "#test/support/quiet-log.ts";
import { testDatabase } from "#test/support/test-database.ts";
import { resultsTestsuite } from "./results.testsuite.ts";

resultsTestsuite({
  make(commands, read) {
    const changes = createChangeHub({ db: commands.db, log: quiet });
    const stopping = new AbortController();
    return {
      ...changeStreamResults({ changes, read, signal: stopping.signal }),
      async [Symbol.asyncDispose]() {
        stopping.abort();
        await changes[Symbol.asyncDispose]();
      },
    };
  },
});

/** Waits for commands, and counts what each wait reads. */
function countingResults(commands: Collection<CommandDocument>, changes: ChangeHub) {
  const real = mongoCommandOutcome(commands);
  let reads = 0;
  const read = (id: string) => {
    reads += 1;
    return real(id);
  };
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  const results = changeStreamResults({ changes, read, signal: stopping.signal });
  let n = 0;
  const insert = async () => {
    const _id = `command ${n++}`;
    await commands.insertOne({ _id, channelId: "c", state: "queued" } as CommandDocument);
    return _id;
  };
  const wait = (id: string) => results.wait(id, 20_000, new AbortController().signal);
  const endsInTwoReads = async () => {
    reads = 0;
    const _id = await insert();
    const waiting = wait(_id);
    await commands.updateOne({ _id }, { $set: { state: "succeeded" } });
    expect(await waiting).toEqual({ state: "succeeded" });
    return reads === 2;
  };
  return {
    results,
    insert,
    wait,
    reads: () => reads,
    /** Expects one read of a command when the wait begins and one when the stream reports it. */
    expectTwoReads: () => eventually(endsInTwoReads),
  };
}

test("the change stream says which command to read, so two reads are enough", async () => {
  await using database = await testDatabase();
  await countingResults(collections(database.db).commands, changesOf(database.db)).expectTwoReads();
});

test("a wait for a command that was expected before it was written reads only its end", async () => {
  await using database = await testDatabase();
  const { commands } = collections(database.db);
  const { expectTwoReads, results, insert, wait, reads } = countingResults(commands, changesOf(database.db));
  await expectTwoReads();
  const before = reads();
  const next = `command ${Number((await insert()).split(" ")[1]) + 1}`;
  using _expected = results.expect?.(next);
  await insert();
  const waiting = wait(next);
  await commands.updateOne({ _id: next }, { $set: { state: "failed" } });
  expect(await waiting).toEqual({ state: "failed" });
  expect(reads() - before).toBe(1);
});

test("an end that this process wrote answers without a read, during the wait and before it", async () => {
  await using database = await testDatabase();
  const { commands } = collections(database.db);
  const changes = changesOf(database.db);
  const { results, wait, reads } = countingResults(commands, changes);
  const end = { state: "succeeded" as const, result: { status: "sent" } };
  for (const isBefore of [true, false]) {
    using _expected = results.expect?.("own");
    if (isBefore) changes.commandEnded("own", end);
    const waiting = wait("own");
    if (!isBefore) changes.commandEnded("own", end);
    expect(await waiting).toEqual(end);
  }
  expect(reads()).toBe(0);
  // Nobody expects it any more.
  expect(await wait("own")).toEqual({ state: "gone" });
});

test("an outcome that the stream showed is not that of a later change which shows none", async () => {
  await using database = await testDatabase();
  const { commands } = collections(database.db);
  const changes = changesOf(database.db);
  const { expectTwoReads, results, wait } = countingResults(commands, changes);
  await expectTwoReads();
  using _expected = results.expect?.("later");
  let heard = 0;
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  changes.listen(
    {
      topics: ["command_ended"],
      opened: () => undefined,
      changed({ commandId }) {
        if (commandId === "later") heard++;
      },
    },
    stopping.signal,
  );
  await commands.insertOne({ _id: "later", channelId: "c", state: "queued" } as CommandDocument);
  await commands.updateOne({ _id: "later" }, { $set: { state: "unknown", result: { status: "unknown" } } });
  await commands.updateOne({ _id: "later" }, { $set: { state: "succeeded", "result.status": "sent" } });
  await eventually(() => heard === 2);
  expect(await wait("later")).toEqual({ state: "succeeded", result: { status: "sent" } });
});

test("a command that another service inserted without an id is reported by the text of its id", async () => {
  await using database = await testDatabase();
  const { commands } = collections(database.db);
  const { expectTwoReads, wait, reads } = countingResults(commands, changesOf(database.db));
  await expectTwoReads();
  const before = reads();
  const _id = new ObjectId() as unknown as string;
  await commands.insertOne({ _id, channelId: "c", state: "queued" } as CommandDocument);
  const waiting = wait(String(_id));
  await eventually(() => reads() > before);
  await commands.updateOne({ _id }, { $set: { state: "failed" } });
  expect(await waiting).toEqual({ state: "failed" });
});

test("a command whose _id the driver cannot read, or has no text, does not cost the stream", async () => {
  await using database = await testDatabase();
  await using writer = await foreignWriter(database.uri);
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const results = countingResults(collections(database.db).commands, changesOf(database.db, log));
  await results.expectTwoReads();
  for (const _id of [`a-${notUtf8}`, { toString: 4, [notUtf8]: 1 }, new Date()]) await writer.insert({ _id });
  await writer.commands.updateMany({ state: null }, { $set: { state: "failed" } });
  await results.expectTwoReads();
  expect(lines).toEqual([]);
});

test("a lost change stream is opened again", async () => {
  await using database = await testDatabase();
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const results = countingResults(collections(database.db).commands, changesOf(database.db, log));
  await results.expectTwoReads();
  await eventually(async () => {
    await killStreams(database.db);
    return lines.some((line) => line.includes("change stream lost"));
  });
  await results.expectTwoReads();
});
