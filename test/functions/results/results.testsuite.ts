import { randomUUID } from "node:crypto";
import { type Collection, Timestamp } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ReadCommandOutcome, ResultWaiter } from "#functions/results/results.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

export interface ResultsUnderTest {
  make(
    commands: Collection<CommandDocument>,
    read: ReadCommandOutcome,
  ): ResultWaiter & Partial<AsyncDisposable>;
}

const longMs = 20_000;
const never = new AbortController().signal;

/** The tests that every way of waiting for results must pass. */
export function resultsTestsuite({ make }: ResultsUnderTest): void {
  let database: TestDatabase;
  let commands: Collection<CommandDocument>;
  let results: ReturnType<typeof make>;
  let reads = 0;
  let isBroken = false;
  let isHanging = false;
  beforeAll(async () => {
    database = await testDatabase();
    commands = collections(database.db).commands;
    const real = mongoCommandOutcome(commands);
    results = make(commands, async (commandId) => {
      reads += 1;
      if (isBroken) throw new Error("the database is away");
      if (isHanging) return new Promise<never>(() => undefined);
      return real(commandId);
    });
  });
  afterAll(async () => {
    await results[Symbol.asyncDispose]?.();
    await database[Symbol.asyncDispose]();
  });

  const queued = async () => {
    const now = new Date();
    const row: CommandDocument = {
      _id: randomUUID(),
      channelId: "c",
      type: "message.send",
      lane: 1,
      ord: new Timestamp({ t: 0, i: 0 }),
      state: "queued",
      payload: {},
      attempts: 0,
      notBefore: now,
      expiresAt: now,
      createdAt: now,
    };
    await commands.insertOne(row);
    return row._id;
  };
  const settle = (_id: string, end: Partial<CommandDocument>) => commands.updateOne({ _id }, { $set: end });
  const anotherRead = async () => {
    const before = reads;
    await eventually(() => reads > before);
  };

  test("a command that has already ended resolves at once", async () => {
    const id = await queued();
    await settle(id, { state: "succeeded", result: { status: "sent" } });
    expect(await results.wait(id, longMs, never)).toEqual({ state: "succeeded", result: { status: "sent" } });
  });

  test("a command that ends resolves every wait for it", async () => {
    const id = await queued();
    const waits = [results.wait(id, longMs, never), results.wait(id, longMs, never)];
    await anotherRead();
    await settle(id, { state: "running" });
    const error = { code: "not_sent" as const, message: "no" };
    await settle(id, { state: "failed", error });
    expect(await Promise.all(waits)).toEqual([
      { state: "failed", error },
      { state: "failed", error },
    ]);
  });

  test("each of many concurrent waits gets the result of its own command", async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, queued));
    const waits = ids.map((id) => results.wait(id, longMs, never));
    for (const id of ids) await settle(id, { state: "succeeded", result: { id } });
    expect(await Promise.all(waits)).toEqual(ids.map((id) => ({ state: "succeeded", result: { id } })));
  });

  test("a command whose document is deleted resolves to gone", async () => {
    const id = await queued();
    const wait = results.wait(id, longMs, never);
    await anotherRead();
    await commands.deleteOne({ _id: id });
    expect(await wait).toEqual({ state: "gone" });
  });

  test("a command that does not end in time resolves to null", async () => {
    expect(await results.wait(await queued(), 100, never)).toBeNull();
  });

  test("an abort ends the wait with null", async () => {
    const client = new AbortController();
    const wait = results.wait(await queued(), longMs, client.signal);
    client.abort();
    expect(await wait).toBeNull();
    expect(await results.wait(await queued(), longMs, AbortSignal.abort())).toBeNull();
  });

  test("a database that hangs does not prolong a wait", async () => {
    const id = await queued();
    isHanging = true;
    expect(await results.wait(id, 100, never)).toBeNull();
    const client = new AbortController();
    const wait = results.wait(id, longMs, client.signal);
    client.abort();
    expect(await wait).toBeNull();
    isHanging = false;
  });

  test("a wait outlasts failing reads of the database", async () => {
    const id = await queued();
    isBroken = true;
    const wait = results.wait(id, longMs, never);
    await anotherRead();
    await settle(id, { state: "succeeded", result: {} });
    isBroken = false;
    expect(await wait).toEqual({ state: "succeeded", result: {} });
    isBroken = true;
    expect(await results.wait(id, 100, never)).toBeNull();
    isBroken = false;
  });
}
