import { MongoClient, Timestamp } from "mongodb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { channelKey, encodeCursor } from "#functions/events/event-cursor.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import { mongoStore } from "#functions/store/mongo-store.ts";
import type { Store } from "#functions/store/store.ts";
import { boundedRead, collections, ensureIndexes } from "#shared/database.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

const retention = { eventsDays: 7, messagesDays: 30 };
let database: TestDatabase;
let client: MongoClient;
/** The commands that reached the database, in order. */
const started: Record<string, unknown>[] = [];
let answered: () => void = () => undefined;
beforeAll(async () => {
  database = await testDatabase();
  await ensureIndexes(database.db, retention);
  client = await MongoClient.connect(database.uri, { monitorCommands: true });
  client.on("commandStarted", ({ command }) => started.push(command));
  client.on("commandSucceeded", () => answered());
});
afterAll(async () => {
  await client.close();
  await database[Symbol.asyncDispose]();
});

const { signal } = new AbortController();
const none = "00000000-0000-4000-8000-000000000000";

/** Every call that only reads. */
const reads: Partial<Record<keyof Store, (store: Store) => Promise<unknown>>> = {
  byKey: (store) => store.byKey("k"),
  bySession: (store) => store.bySession("s"),
  findChannel: (store) => store.findChannel(none),
  findDeletedChannel: (store) => store.findDeletedChannel(none),
  listChannels: (store) =>
    store.listChannels({ channelIds: null, status: null, after: null, limit: 9, signal }),
  findCommand: (store) => store.findCommand(none),
  hasCommand: (store) => store.hasCommand(none),
  listCommands: (store) =>
    store.listCommands({ channelId: none, state: null, type: null, after: null, limit: 9, signal }),
  findSend: (store) => store.findSend(none, "3EB0A"),
  listMessages: (store) => store.listMessages({ channelId: none, chat: null, place: null, limit: 9, signal }),
  findMessages: (store) =>
    store.findMessages({ channelId: none, messageId: "3EB0A", chat: null, sender: null, signal }),
  findRequest: (store) => store.findRequest("r"),
  readChannelEvents: (store) => store.readChannelEvents({ channelId: none, after: 5, limit: 9, signal }),
  readEvents: (store) => store.readEvents({ channelIds: null, after: null, limit: 9, signal }),
  presentCursor: (store) => store.presentCursor(),
  hasConnector: (store) => store.hasConnector(),
  missingIndexes: (store) => store.missingIndexes(),
};

/** Every call that writes; MongoDB finds their documents by `_id`. */
const writes: (keyof Store)[] = [
  "createChannel",
  "updateChannel",
  "setWish",
  "markDeleted",
  "insertCommand",
  "insertDirect",
  "cancelCommand",
  "requeueCommand",
  "rememberRequest",
  "refuseRequest",
  "finishRequest",
  "createSession",
  "deleteSession",
];

test("every call of the store is known to read or to write", () => {
  const store = mongoStore(client.db(), retention);
  expect([...Object.keys(reads), ...writes].toSorted()).toEqual(Object.keys(store).toSorted());
});

test.each(Object.entries(reads))("the database ends what %s reads after 5 s", async (_, read) => {
  started.length = 0;
  await read(mongoStore(client.db(), retention)).catch(() => undefined);
  expect(started.length).toBeGreaterThan(0);
  for (const command of started) expect(command).toMatchObject(boundedRead);
});

test("the database ends the reading of a command's outcome after 5 s", async () => {
  started.length = 0;
  await mongoCommandOutcome(collections(client.db()).commands)(none);
  expect(started).toMatchObject([boundedRead]);
});

describe("a scan of the log that takes six batches", () => {
  const isScan = (command: Record<string, unknown>) => "getMore" in command;
  let after: string;

  beforeAll(async () => {
    const rows = Array.from({ length: 12_000 }, (__, at) => ({
      ...{ _id: `e${at}`, channelId: none, seq: at + 1 },
      ...{ type: "incoming_message" as const, timestamp: new Date(), data: {} },
      ord: new Timestamp({ t: Math.floor(Date.now() / 1_000) - 3_600, i: at + 1 }),
    }));
    await collections(database.db).events.insertMany(rows);
    after = encodeCursor({
      settled: (rows[0]?.ord.toBigInt() ?? 0n) - 1n,
      newest: 1n << 62n,
      seen: new Map([[channelKey(none), 2 ** 40]]),
    });
  });
  beforeEach(() => {
    started.length = 0;
  });
  afterEach(() => {
    answered = () => undefined;
    vi.restoreAllMocks();
  });

  /** Expects 503, and that the database was not asked for the batches after `end`, which is called during the second. */
  async function expectEnded(end: () => void, requestSignal: AbortSignal): Promise<void> {
    answered = () => started.some(isScan) && end();
    const store = mongoStore(client.db(), retention);
    const read = store.readEvents({ channelIds: null, after, limit: 9, signal: requestSignal });
    await expect(read).rejects.toMatchObject({ code: "database_unavailable" });
    // The next scan comes after whatever the first one would still have read.
    await store.readEvents({ channelIds: null, after: null, limit: 9, signal });
    expect(started.filter(isScan).length, "of six batches").toBeLessThan(3);
  }

  test("503: ends with its request", async () => {
    const request = new AbortController();
    await expectEnded(() => request.abort(), request.signal);
  });

  test("503: ends at its deadline, though each batch is in time", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    const pass = () => {
      const deadline = timers.mock.calls.find(([, ms]) => ms === boundedRead.maxTimeMS);
      deadline?.[0]();
    };
    await expectEnded(pass, signal);
  });
});
