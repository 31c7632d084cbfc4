import { randomUUID } from "node:crypto";
import { setTimeout as sleep, setImmediate as yieldToOthers } from "node:timers/promises";
import { Timestamp } from "mongodb";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openEventLog } from "#connector/events/event-log.ts";
import type { ChannelEventQuery, EventPage, EventQuery } from "#functions/events/event-view.ts";
import { mongoEvents } from "#functions/store/mongo-events.ts";
import type { EventDocument } from "#shared/collections.ts";
import { type Collections, collections, ensureIndexes } from "#shared/database.ts";
import type { ServiceError } from "#shared/errors.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

const retention = { eventsDays: 7, messagesDays: 30 };
let database: TestDatabase;
let db: Collections;
let reader: {
  readEvents(query: Omit<EventQuery, "signal">): Promise<EventPage>;
  readChannelEvents(query: Omit<ChannelEventQuery, "signal">): Promise<EventPage>;
  presentCursor(): Promise<string>;
};
const { signal } = new AbortController();

beforeAll(async () => {
  database = await testDatabase();
  await ensureIndexes(database.db, retention);
  db = collections(database.db);
  const { readEvents, readChannelEvents, presentCursor } = mongoEvents(database.client, db.events, retention);
  reader = {
    readEvents: (query) => readEvents({ ...query, signal }),
    readChannelEvents: (query) => readChannelEvents({ ...query, signal }),
    presentCursor,
  };
});

beforeEach(() => db.events.deleteMany({}));

afterAll(() => database[Symbol.asyncDispose]());

const unfilled = () => new Timestamp({ t: 0, i: 0 });

function row(channelId: string, seq: number, ord = unfilled()): EventDocument {
  return {
    _id: randomUUID(),
    channelId,
    seq,
    ord,
    type: "incoming_message",
    timestamp: new Date(),
    data: {},
  };
}

/** About as large as an event may be. */
function large(channelId: string, seq: number, ord = unfilled()): EventDocument {
  return { ...row(channelId, seq, ord), data: { message: "x".repeat(1024 * 1024) } };
}

/** The events a reader has received, by channel. */
class Received {
  readonly #seqs = new Map<string, number[]>();
  count = 0;

  add(events: readonly Pick<EventDocument, "channelId" | "seq">[]): void {
    for (const { channelId, seq } of events) {
      this.#seqs.set(channelId, [...(this.#seqs.get(channelId) ?? []), seq]);
      this.count += 1;
    }
  }

  expectWhole(channelIds: readonly string[], upTo: number): void {
    const whole = Array.from({ length: upTo }, (_, index) => index + 1);
    for (const channelId of channelIds) expect(this.#seqs.get(channelId)).toEqual(whole);
    expect(this.#seqs.size).toBe(channelIds.length);
  }
}

describe("reading all channels", () => {
  test("misses and doubles nothing while many write at once, and keeps each channel in order", async () => {
    const channelIds = Array.from({ length: 40 }, () => randomUUID());
    const each = 80;
    let isWriting = true;
    const writing = Promise.all(
      channelIds.map(async (channelId) => {
        const log = await openEventLog(db.events, { channelId, epoch: 1 });
        for (let written = 0; written < each; written += 10) {
          const batch = Array.from({ length: 10 }, () =>
            log.publish("message_status_update", { messageId: "M", status: "sent" }),
          );
          await Promise.all(batch);
        }
      }),
    ).finally(() => {
      isWriting = false;
    });
    const readers = [1_000, 1_000, 37].map(async (limit) => {
      const received = new Received();
      let after: string | null = null;
      for (let isLast = false; !isLast; ) {
        isLast = !isWriting;
        const page = await reader.readEvents({ channelIds: null, after, limit });
        if (page.events.length > 0) isLast = false;
        received.add(page.events);
        after = page.next;
        await yieldToOthers();
      }
      return received;
    });
    await writing;
    for (const received of await Promise.all(readers)) received.expectWhole(channelIds, each);
  }, 240_000);

  test("finds the rows of some channels window by window, each once, with empty pages in between", async () => {
    const { readEvents } = mongoEvents(database.client, db.events, retention, 10);
    const ours = (n: number) => n === 3 || (n > 70 && n < 100);
    await db.events.insertMany(
      Array.from({ length: 120 }, (_, n) =>
        row(ours(n) ? "ours" : "others", n + 1, new Timestamp({ t: 1, i: n + 1 })),
      ),
    );
    const seqs: number[] = [];
    let [after, empty]: [string | null, number] = [null, 0];
    for (let page = 0; page < 40; page++) {
      const { events, next } = await readEvents({ channelIds: ["ours"], after, limit: 7, signal });
      seqs.push(...events.map(({ seq }) => seq));
      if (events.length === 0 && seqs.length < 30) empty++;
      after = next;
    }
    expect(seqs).toEqual([4, ...Array.from({ length: 29 }, (_, n) => n + 72)]);
    expect(empty).toBeGreaterThan(3);
  });

  test("returns large events in pages of 8 MB, each once", async () => {
    const rows = Array.from({ length: 20 }, (_, n) =>
      large("large", n + 1, new Timestamp({ t: 1, i: n + 1 })),
    );
    await db.events.insertMany([...rows, row("small", 1, new Timestamp({ t: 1, i: 30 }))]);
    for (const channelIds of [null, ["large", "small"]]) {
      const pages: string[][] = [];
      let after: string | null = null;
      do {
        const { events, next } = await reader.readEvents({ channelIds, after, limit: 1_000 });
        pages.push(events.map(({ channelId, seq }) => `${channelId}/${seq}`));
        after = next;
      } while (pages.at(-1)?.length);
      expect(pages.map(({ length }) => length)).toEqual([8, 8, 5, 0]);
      expect(pages.flat()).toEqual([...rows.map(({ seq }) => `large/${seq}`), "small/1"]);
    }
  });

  test("returns a row that appears behind rows already read, and returns those only once", async () => {
    await db.events.insertOne(row("early", 1));
    const { ord } = (await db.events.findOne({ channelId: "early" })) ?? row("", 0);
    await db.events.insertMany([row("early", 2), row("other", 1)]);
    const first = await reader.readEvents({ channelIds: null, after: null, limit: 50 });
    expect(first.events.map(({ channelId, seq }) => `${channelId}/${seq}`)).toEqual([
      "early/1",
      "early/2",
      "other/1",
    ]);
    await db.events.insertOne(row("late", 1, new Timestamp(ord.toBigInt() - 1n)));
    const second = await reader.readEvents({ channelIds: null, after: first.next, limit: 50 });
    expect(second.events.map(({ channelId }) => channelId)).toEqual(["late"]);
    const third = await reader.readEvents({ channelIds: null, after: second.next, limit: 50 });
    expect(third.events).toEqual([]);
  });

  test("limits the length of a page and continues after it", async () => {
    await db.events.insertMany([row("a", 1), row("b", 1), row("a", 2), row("b", 2), row("a", 3)]);
    const received = [];
    let after: string | null = null;
    for (let pages = 0; pages < 3; pages += 1) {
      const page = await reader.readEvents({ channelIds: null, after, limit: 2 });
      received.push(page.events.map(({ channelId, seq }) => `${channelId}${seq}`));
      after = page.next;
    }
    expect(received).toEqual([["a1", "b1"], ["a2", "b2"], ["a3"]]);
  });

  test("returns rows that share an `ord`, as those of two shards can, once each, however small the page is", async () => {
    const ord = new Timestamp({ t: await presentSeconds(), i: 1 });
    for (const moment of [ord, new Timestamp({ t: ord.t - 100, i: 1 })]) {
      await db.events.deleteMany({});
      await db.events.insertMany([row("a", 1, moment), row("b", 1, moment), row("c", 1, moment)]);
      const received = [];
      let after: string | null = null;
      for (let pages = 0; pages < 4; pages += 1) {
        const page = await reader.readEvents({ channelIds: null, after, limit: 1 });
        received.push(...page.events.map(({ channelId }) => channelId));
        after = page.next;
      }
      expect(received).toEqual(["a", "b", "c"]);
    }
  });

  test("returns only the requested channels, and the others do not hold the reader back", async () => {
    await db.events.insertMany([row("a", 1), row("b", 1), row("c", 1)]);
    const page = await reader.readEvents({ channelIds: ["a", "c"], after: null, limit: 50 });
    expect(page.events.map(({ channelId }) => channelId)).toEqual(["a", "c"]);
    expect((await reader.readEvents({ channelIds: [], after: page.next, limit: 50 })).events).toEqual([]);
  });

  test("returns every event once although more channels write at once than a cursor can hold", async () => {
    const moment = (await presentSeconds()) - 13;
    const rows = Array.from({ length: 300 }, (_, n) =>
      row(`channel ${n}`, 1, new Timestamp({ t: moment, i: n + 1 })),
    );
    await db.events.insertMany(rows);
    const first = await reader.readEvents({ channelIds: null, after: null, limit: 1_000 });
    expect([first.events.length, first.next.length < 5_000]).toEqual([256, true]);
    const received = new Received();
    received.add(first.events);
    for (let after = first.next; received.count < rows.length; ) {
      // A snapshot is as recent as the last write, and an idle MongoDB writes only every 10 s.
      await database.db.collection("clock").insertOne({});
      await sleep(50);
      const page = await reader.readEvents({ channelIds: null, after, limit: 1_000 });
      received.add(page.events);
      after = page.next;
    }
    received.expectWhole(
      rows.map(({ channelId }) => channelId),
      1,
    );
  }, 120_000);

  test("returns only new events after the present cursor", async () => {
    await db.events.insertMany([row("a", 1), row("b", 1)]);
    const after = await reader.presentCursor();
    await db.events.insertOne(row("a", 2));
    const page = await reader.readEvents({ channelIds: null, after, limit: 50 });
    expect(page.events.map(({ channelId, seq }) => `${channelId}${seq}`)).toEqual(["a2"]);
  });
});

test("one channel's large events come in pages of 8 MB, each once", async () => {
  const rows = Array.from({ length: 20 }, (_, n) => large("large", n + 1));
  await db.events.insertMany(rows);
  const pages: number[][] = [];
  let after: number | null = null;
  do {
    const { events, next } = await reader.readChannelEvents({ channelId: "large", after, limit: 1_000 });
    pages.push(events.map(({ seq }) => seq));
    after = Number(next);
  } while (pages.at(-1)?.length);
  expect(pages.map(({ length }) => length)).toEqual([8, 8, 4, 0]);
  expect(pages.flat()).toEqual(rows.map(({ seq }) => seq));
});

describe("an event that retention removed", () => {
  const daysAgo = async (days: number) => (await presentSeconds()) - days * 86_400;

  test("is reported to a reader before it, which resumes with the events retained", async () => {
    const [old, young] = [await daysAgo(9), await daysAgo(1)];
    await db.events.insertMany([row("a", 1, new Timestamp({ t: old, i: 1 }))]);
    const { next } = await reader.readEvents({ channelIds: null, after: null, limit: 1 });
    // The cursor of a reader that has not called for days lies before the removed event.
    await db.events.deleteMany({});
    await db.events.insertMany([row("a", 5, new Timestamp({ t: young, i: 1 }))]);
    const stale = withSettled(next, BigInt(old) << 32n);
    const missed = await reader
      .readEvents({ channelIds: null, after: stale, limit: 50 })
      .catch((error: unknown) => error);
    expect(missed).toMatchObject({ code: "resync_required", status: 410 });
    const { details } = missed as ServiceError;
    const after = (details as { cursor: string }).cursor;
    const page = await reader.readEvents({ channelIds: null, after, limit: 50 });
    expect(page.events.map(({ seq }) => seq)).toEqual([5]);
  });

  test("is not reported to a reader that has it, however old its cursor is", async () => {
    const old = await daysAgo(9);
    await db.events.insertMany([row("a", 1, new Timestamp({ t: old, i: 1 }))]);
    await db.events.insertMany([row("a", 2, new Timestamp({ t: old, i: 2 }))]);
    const { next } = await reader.readEvents({ channelIds: null, after: null, limit: 1 });
    const page = await reader.readEvents({ channelIds: null, after: next, limit: 50 });
    expect(page.events.map(({ seq }) => seq)).toEqual([2]);
  });

  test("a cursor from the future belongs to another database, and its reader resumes from the present", async () => {
    await db.events.insertOne(row("a", 1));
    const ahead = withSettled(await reader.presentCursor(), BigInt(await daysAgo(-1)) << 32n);
    const missed = await reader
      .readEvents({ channelIds: null, after: ahead, limit: 50 })
      .catch((error: unknown) => error);
    expect(missed).toMatchObject({ code: "resync_required", status: 410 });
    await db.events.insertOne(row("a", 2));
    const { details } = missed as ServiceError;
    const after = (details as { cursor: string }).cursor;
    const page = await reader.readEvents({ channelIds: null, after, limit: 50 });
    expect(page.events.map(({ seq }) => seq)).toEqual([2]);
  });

  test("is reported by number when one channel is read", async () => {
    await db.events.insertMany([row("a", 7), row("a", 8)]);
    const query = { channelId: "a", limit: 50 };
    const oldest = await reader.readChannelEvents({ ...query, after: null });
    expect([oldest.events.map(({ seq }) => seq), oldest.next]).toEqual([[7, 8], "8"]);
    expect((await reader.readChannelEvents({ ...query, after: 6 })).events).toHaveLength(2);
    expect(await reader.readChannelEvents({ ...query, after: 8 })).toEqual({ events: [], next: "8" });
    for (const [after, seq] of [
      [5, 6],
      [9, 8],
    ] as const) {
      await expect(reader.readChannelEvents({ ...query, after })).rejects.toMatchObject({
        code: "resync_required",
        details: { seq },
      });
    }
  });
});

async function presentSeconds(): Promise<number> {
  const { operationTime } = await database.db.command({ ping: 1 });
  return operationTime.t;
}

function withSettled(cursor: string, settled: bigint): string {
  const bytes = Buffer.from(cursor, "base64url");
  bytes.writeBigUInt64BE(settled, 1);
  return bytes.toString("base64url");
}
