import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type CommandStartedEvent, MongoClient, MongoNetworkError, Timestamp } from "mongodb";
import { describe, expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import { FencedError } from "#connector/ownership/fence.ts";
import { collectionNames, eventInsertMsMax, type FenceDocument } from "#shared/collections.ts";
import { collections } from "#shared/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { severableDatabase } from "#test/support/severable-database.ts";
import { fileDatabase } from "../connector.fixture.ts";
import { hookedCollections } from "../faulty-collections.fixture.ts";

const file = fileDatabase();

const open = (channelId: string, epoch = 1) => openEventLog(file.all.events, { channelId, epoch });
const update = (messageId: string) => ({ messageId, status: "sent" as const });
const stored = (channelId: string) =>
  file.all.events
    .find({ channelId, seq: { $exists: true } })
    .sort({ seq: 1 })
    .toArray();
const seqs = async (channelId: string) => (await stored(channelId)).map(({ seq }) => seq);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("numbers rise by one in the order of publishing, however many are published at once", async () => {
  const channelId = randomUUID();
  const log = await open(channelId);
  await Promise.all(upTo(500).map((n) => log.publish("message_status_update", update(`M${n}`))));
  const events = await stored(channelId);
  expect(events.map(({ seq }) => seq)).toEqual(upTo(500));
  expect(events.map(({ data }) => data.messageId)).toEqual(upTo(500).map((n) => `M${n}`));
});

test("an event that may wait shares the write of the next, before it; alone, it is written in time or by a flush", async () => {
  const channelId = randomUUID();
  const writes: number[] = [];
  const hooked = hookedCollections(file.all, {
    async before({ args: [operations] }) {
      if (Array.isArray(operations)) writes.push(operations.length);
    },
  });
  const log = await openEventLog(hooked.events, { channelId, epoch: 1 });
  const waiting = { withinMs: 60_000 };
  const first = log.publish("message_status_update", update("M1"), undefined, waiting);
  await Promise.all([first, log.publish("message_status_update", update("M2"))]);
  // Each write begins with the fence.
  expect(writes).toEqual([3]);
  const third = log.publish("message_status_update", update("M3"), undefined, waiting);
  await log.flush();
  await third;
  await log.publish("message_status_update", update("M4"), undefined, { withinMs: 1 });
  const events = await stored(channelId);
  expect(events.map(({ data }) => data.messageId)).toEqual(["M1", "M2", "M3", "M4"]);
});

test("an event is what was published, with a time", async () => {
  const channelId = randomUUID();
  const log = await open(channelId);
  await log.publish("connection_update", { status: "active" }, `${channelId}/one`);
  expect(await stored(channelId)).toEqual([
    {
      _id: `${channelId}/one`,
      channelId,
      seq: 1,
      ord: expect.any(Timestamp),
      epoch: 1,
      type: "connection_update",
      timestamp: expect.any(Date),
      data: { status: "active" },
    },
  ]);
});

test("an event above 1 MB is refused alone, with those published beside it written", async () => {
  const channelId = randomUUID();
  const log = await open(channelId);
  const large = update("M".repeat(1024 * 1024));
  const [before, refused, after] = await Promise.allSettled(
    [update("M1"), large, update("M2")].map((data) => log.publish("message_status_update", data)),
  );
  expect([before?.status, refused?.status, after?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(refused).toMatchObject({ reason: { name: "EventTooLargeError" } });
  expect(await seqs(channelId)).toEqual([1, 2]);
});

test("`ord` rises with `seq`, within one write and from one to the next", async () => {
  const channelId = randomUUID();
  const log = await open(channelId);
  await Promise.all(upTo(300).map((n) => log.publish("message_status_update", update(`M${n}`))));
  await log.publish("message_status_update", update("later"));
  const ords = (await stored(channelId)).map(({ ord }) => ord.toBigInt());
  expect(new Set(ords).size).toBe(301);
  expect(ords[0]).toBeGreaterThan(0n);
  expect(ords).toEqual(ords.toSorted((a, b) => Number(a - b)));
});

describe("what is published at the same moment", () => {
  /** The commands on `events`, with the operations of each, that a new log sends for these events. */
  async function commandsFor(messageIds: readonly string[]) {
    await using client = new MongoClient(file.database.uri, { monitorCommands: true });
    const log = await openEventLog(collections(client.db()).events, { channelId: randomUUID(), epoch: 1 });
    const started: CommandStartedEvent[] = [];
    client.on("commandStarted", (event) => started.push(event));
    await Promise.all(messageIds.map((id) => log.publish("message_status_update", update(id))));
    return started.map(({ commandName, command }) => ({ commandName, command }));
  }

  test("is one command behind the fence, with the time limit that the order across channels relies on", async () => {
    const [only, ...more] = await commandsFor(["one", "two", "three"]);
    expect(only).toMatchObject({
      commandName: "update",
      command: { ordered: true, maxTimeMS: eventInsertMsMax },
    });
    expect(only?.command.updates).toHaveLength(4);
    expect(more).toEqual([]);
  });

  test("is several commands above 8 MiB, each behind the fence", async () => {
    const large = "M".repeat(1024 * 1024 - 200);
    const commands = await commandsFor(upTo(18).map((n) => `${n}${large}`));
    expect(commands.map(({ command }) => command.updates.length)).toEqual([9, 9, 3]);
    const fences = commands.map(({ command }) => command.updates[0].u.$set?.writtenSeq);
    expect(fences).toEqual([0, 8, 16]);
  });

  test("reaches a change stream as inserts, in order", async () => {
    const channelId = randomUUID();
    await using stream = file.all.events.watch([{ $match: { "fullDocument.channelId": channelId } }]);
    const seen: unknown[] = [];
    stream.on("change", (change) => {
      if (change.operationType === "insert") seen.push(change.fullDocument.seq);
      else seen.push(change.operationType);
    });
    await once(stream, "resumeTokenChanged");
    const log = await open(channelId);
    await Promise.all(upTo(3).map((n) => log.publish("message_status_update", update(`M${n}`))));
    // The fence row has no number.
    await eventually(() => seen.length === 4);
    expect(seen).toEqual([undefined, 1, 2, 3]);
  });
});

describe("the same event twice", () => {
  test("is dropped without a number, in the same batch, later, and under a new owner", async () => {
    const channelId = randomUUID();
    const ids = ["a", "b", "a", "c", "b", "a"].map((name) => `${channelId}/${name}`);
    const log = await open(channelId);
    await Promise.all(ids.map((id) => log.publish("message_status_update", update(id), id)));
    await log.publish("message_status_update", update("again"), ids[0]);
    const next = await open(channelId, 2);
    await next.publish("message_status_update", update("again"), ids[1]);
    await next.publish("message_status_update", update("new"));
    expect((await stored(channelId)).map(({ data, seq }) => [data.messageId, seq])).toEqual([
      [ids[0], 1],
      [ids[1], 2],
      [ids[3], 3],
      ["new", 4],
    ]);
  });

  test("leaves no gap when retention empties the log afterwards", async () => {
    const channelId = randomUUID();
    const log = await open(channelId);
    await log.publish("message_status_update", update("one"), `${channelId}/one`);
    await log.publish("message_status_update", update("one"), `${channelId}/one`);
    await file.all.events.deleteMany({ channelId, seq: { $exists: true } });
    const next = await open(channelId, 2);
    await next.publish("message_status_update", update("two"));
    expect(await seqs(channelId)).toEqual([2]);
  });
});

describe("a new owner", () => {
  test("continues after the newest event", async () => {
    const channelId = randomUUID();
    const first = await open(channelId);
    await Promise.all(upTo(3).map((n) => first.publish("message_status_update", update(`${n}`))));
    const second = await open(channelId, 2);
    await second.publish("message_status_update", update("4"));
    expect(await seqs(channelId)).toEqual([1, 2, 3, 4]);
  });

  test("continues the numbers even when retention has emptied the log", async () => {
    const channelId = randomUUID();
    const first = await open(channelId);
    await Promise.all(upTo(3).map((n) => first.publish("message_status_update", update(`${n}`))));
    await file.all.events.deleteMany({ channelId, seq: { $exists: true } });
    const second = await open(channelId, 2);
    await second.publish("message_status_update", update("4"));
    expect(await seqs(channelId)).toEqual([4]);
  });

  test("reuses no number when retention removed newer events and left older ones", async () => {
    const channelId = randomUUID();
    const first = await open(channelId);
    for (const n of upTo(4)) await first.publish("message_status_update", update(`${n}`));
    await file.all.events.deleteMany({ channelId, seq: { $gt: 1 } });
    const second = await open(channelId, 2);
    await second.publish("message_status_update", update("next"));
    const newest = (await seqs(channelId)).at(-1);
    // The very last write may have been interrupted, so its number is not certain.
    expect(newest).toBe(4);
  });

  test("leaves no gap where the former owner was interrupted between the number and the event", async () => {
    const channelId = randomUUID();
    const first = await open(channelId);
    for (const n of upTo(3)) await first.publish("message_status_update", update(`${n}`));
    await file.database.db
      .collection<FenceDocument>(collectionNames.events)
      .updateOne({ _id: `${channelId}/fence` }, { $set: { writtenSeq: 3, lastSeq: 5 } });
    const second = await open(channelId, 2);
    await second.publish("message_status_update", update("next"));
    expect(await seqs(channelId)).toEqual([1, 2, 3, 4]);
  });

  test("locks out the former owner: its publishes reject, and none of its events is in the log", async () => {
    const channelId = randomUUID();
    const former = await open(channelId);
    const owner = await open(channelId, 2);
    const late = [1, 2, 3].map((n) => former.publish("message_status_update", update(`late ${n}`)));
    for (const one of late) await expect(one).rejects.toThrow(FencedError);
    await owner.publish("message_status_update", update("mine"));
    await expect(former.publish("message_status_update", update("later"))).rejects.toThrow(FencedError);
    expect((await stored(channelId)).map(({ data }) => data.messageId)).toEqual(["mine"]);
  });

  test("that has itself been superseded does not get the log", async () => {
    const channelId = randomUUID();
    await open(channelId, 3);
    await expect(open(channelId, 2)).rejects.toThrow(FencedError);
  });

  test("that takes over amid a stream of events leaves no gap and no duplicate", async () => {
    const channelId = randomUUID();
    const former = await open(channelId);
    const published = upTo(400).map((n) =>
      former.publish("message_status_update", update(`${n}`), `${channelId}/${n}`).then(
        () => true,
        () => false,
      ),
    );
    const owner = await open(channelId, 2);
    await owner.publish("message_status_update", update("mine"));
    const accepted = (await Promise.all(published)).filter(Boolean).length;
    const events = await stored(channelId);
    expect(events.map(({ seq }) => seq)).toEqual(upTo(events.length));
    expect(accepted).toBeLessThanOrEqual(events.length - 1);
  });
});

test("a number that is taken already is skipped, not written twice", async () => {
  const channelId = randomUUID();
  const log = await open(channelId);
  const ord = new Timestamp({ t: 1, i: 1 });
  const stray = { channelId, ord, type: "presence", timestamp: new Date(), data: {} };
  await file.all.events.insertOne({ ...stray, _id: `${channelId}/stray`, seq: 1 });
  await log.publish("message_status_update", update("mine"));
  expect((await stored(channelId)).map(({ _id, seq }) => [_id === `${channelId}/stray`, seq])).toEqual([
    [true, 1],
    [false, 2],
  ]);
});

test("events survive a lost connection to the database: each is in the log once, in order", async () => {
  const channelId = randomUUID();
  await using severable = await severableDatabase(file.database.db.databaseName);
  const log = await openEventLog(severable.db.collection(collectionNames.events), { channelId, epoch: 1 });
  const published = upTo(600).map((n) =>
    log.publish("message_status_update", update(`${n}`), `${channelId}/${n}`),
  );
  await eventually(async () => (await seqs(channelId)).length > 0);
  severable.cut();
  await severable.mend();
  await Promise.all(published);
  await log.flush();
  expect((await stored(channelId)).map(({ data, seq }) => [data.messageId, seq])).toEqual(
    upTo(600).map((n) => [`${n}`, n]),
  );
});

test("publishing rejects when too many events are pending", async () => {
  const channelId = randomUUID();
  const log = await open(channelId);
  const published = upTo(10_000).map((n) => log.publish("message_status_update", update(`${n}`)));
  const tooMany = log.publish("message_status_update", update("one more"));
  await expect(tooMany).rejects.toThrow("Too many events are pending");
  await Promise.all(published);
  expect(await file.all.events.countDocuments({ channelId, seq: { $exists: true } })).toBe(10_000);
});

describe("a log", () => {
  /** The log of a new channel, with the size of each bulk; `fails` makes the next one fail. */
  async function hookedLog(fails: (bulk: number) => boolean) {
    const bulks: number[] = [];
    const hooked = hookedCollections(file.all, {
      async before({ method, args: [operations] }) {
        if (method !== "bulkWrite" || !Array.isArray(operations)) return;
        bulks.push(operations.length);
        if (fails(bulks.length)) throw new MongoNetworkError("lost");
      },
    });
    return { bulks, log: await openEventLog(hooked.events, { channelId: randomUUID(), epoch: 1 }) };
  }

  test("is written in bulks of 200 events, each with the fence", async () => {
    const { bulks, log } = await hookedLog(() => false);
    await Promise.all(upTo(450).map((n) => log.publish("message_status_update", update(`${n}`))));
    expect(bulks).toEqual([201, 201, 51]);
  });

  test("tries a bulk four times, and then refuses its events", async () => {
    const { bulks, log } = await hookedLog((bulk) => bulk <= 4);
    await expect(log.publish("message_status_update", update("lost"))).rejects.toThrow("lost");
    expect(bulks).toHaveLength(4);
    await log.publish("message_status_update", update("next"));
  });
});
