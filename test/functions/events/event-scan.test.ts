import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { channelKey, decodeCursor, type EventCursor, encodeCursor } from "#functions/events/event-cursor.ts";
import { type EventPlace, scanEvents } from "#functions/events/event-scan.ts";

const beginning: EventCursor = { settled: 0n, newest: 0n, seen: new Map() };
/** The longest time between the assignment of a row's `ord` and its appearance. */
const lateMax = 5;

interface Row extends EventPlace {
  visibleAt: number;
}

/**
 * Each channel writes one row after the other; a row gets its `ord` at once and appears up to `lateMax` later. Up to two
 * rows, of different channels, share an `ord`.
 */
const writes = fc
  .array(fc.record({ channel: fc.nat(7), pause: fc.nat(3), late: fc.nat(lateMax), isTied: fc.boolean() }), {
    maxLength: 60,
  })
  .map((steps) => {
    const free = new Map<string, { at: number; seq: number }>();
    let clock = 0;
    let tied = 0;
    return steps.map(({ channel, pause, late, isTied }): Row => {
      const channelId = `channel ${channel}`;
      const before = free.get(channelId) ?? { at: 0, seq: 0 };
      const isSame = isTied && tied < 2 && clock > before.at;
      clock = isSame ? clock : Math.max(clock + 1, before.at + 1) + pause;
      tied = isSame ? tied + 1 : 1;
      const visibleAt = clock + late;
      free.set(channelId, { at: visibleAt, seq: before.seq + 1 });
      return { ord: BigInt(clock), channelId, seq: before.seq + 1, visibleAt };
    });
  });

/** The rows that a reader sees in the window that begins after `after`. */
function visible(
  rows: readonly Row[],
  after: bigint,
  { now, windowRows }: { now: number; windowRows: number },
) {
  const seen = rows.filter(({ ord, visibleAt }) => ord > after && visibleAt <= now);
  const beyond = seen[windowRows];
  const end = beyond ? beyond.ord - 1n : null;
  async function* places(): AsyncGenerator<EventPlace> {
    for (const { visibleAt: _, ...row } of seen) if (end === null || row.ord <= end) yield row;
  }
  return { places: places(), end };
}

interface TestedBounds {
  limit: number;
  seenMax: number;
  scannedMax?: number;
  windowRows?: number;
}

async function readAt(
  rows: readonly Row[],
  cursor: EventCursor,
  now: number,
  { limit, seenMax, scannedMax = 1_000, windowRows = 1_000 }: TestedBounds,
) {
  const settled = BigInt(Math.max(0, now - lateMax));
  const { places, end } = visible(rows, cursor.settled, { now, windowRows });
  const bounds = { limit, settled, seenMax, scannedMax, end };
  const scanned = await scanEvents(places, cursor, bounds);
  const next = decodeCursor(encodeCursor(scanned.next));
  if (!next) throw new Error("The cursor did not survive");
  return { picked: scanned.picked, next };
}

test("a reader that follows the cursors gets every event once, in order per channel, however late rows appear", async () => {
  const pauses = fc.array(fc.nat(6), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      writes,
      pauses,
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 4, max: 80 }),
      fc.integer({ min: 4, max: 80 }),
      async (rows, times, limit, seenMax, scannedMax, windowRows) => {
        const received: EventPlace[] = [];
        let [cursor, now] = [beginning, 0];
        for (let read = 0; read < 1_000 && received.length < rows.length; read += 1) {
          now += (times[read % times.length] ?? 1) + (read % 3 === 0 ? 1 : 0);
          const page = await readAt(rows, cursor, now, { limit, seenMax, scannedMax, windowRows });
          expect(page.picked.length).toBeLessThanOrEqual(limit);
          // One more, to remember the row that was read of two with the same `ord`.
          expect(page.next.seen.size).toBeLessThanOrEqual(seenMax + 1);
          expect(page.next.settled).toBeGreaterThanOrEqual(cursor.settled);
          received.push(...page.picked);
          cursor = page.next;
        }
        const names = received.map(({ channelId, seq }) => `${channelId}/${seq}`);
        expect(names.toSorted()).toEqual(rows.map(({ channelId, seq }) => `${channelId}/${seq}`).toSorted());
        const byChannel = Map.groupBy(received, ({ channelId }) => channelId);
        for (const places of byChannel.values()) {
          expect(places.map(({ seq }) => seq)).toEqual(places.map((_, index) => index + 1));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("a cursor drops settled rows and so stays small", async () => {
  const rows = Array.from({ length: 50 }, (_, n): Row => {
    return { ord: BigInt(n + 1), channelId: `channel ${n}`, seq: 1, visibleAt: n + 1 };
  });
  const early = await readAt(rows, beginning, 50, { limit: 100, seenMax: 100 });
  expect(early.next.seen.size).toBe(lateMax);
  const later = await readAt(rows, early.next, 100, { limit: 100, seenMax: 100 });
  expect([later.picked, later.next.seen.size]).toEqual([[], 0]);
});

test("a channel that is settled makes room in the cursor, also where a window ends", async () => {
  const row = (ord: number, channel: string): Row => ({
    ...{ ord: BigInt(ord), channelId: channel, seq: 1, visibleAt: ord },
  });
  const rows = [row(2, "a"), row(3, "b"), row(4, "c"), row(5, "d"), row(6, "e")];
  const early = await readAt(rows.slice(0, 2), beginning, 3, { limit: 10, seenMax: 2 });
  expect(early.next.seen.size).toBe(2);
  // Both are settled by then, and the window ends behind the next two, which are not.
  const { picked, next } = await readAt(rows, early.next, 8, { limit: 10, seenMax: 2, windowRows: 4 });
  expect(picked.map(({ channelId }) => channelId)).toEqual(["c", "d"]);
  expect([...next.seen.keys()].toSorted()).toEqual([channelKey("c"), channelKey("d")].toSorted());
});

test("a cursor that claims to have read everything ends the scan at its bound, and the next goes on there", async () => {
  let pulled = 0;
  async function* rows(after: bigint): AsyncGenerator<EventPlace> {
    for (let ord = after + 1n; ord <= 1_000n; ord++) {
      pulled++;
      yield { ord, channelId: "a", seq: Number(ord) };
    }
  }
  const bounds = { limit: 10, settled: 1_000n, seenMax: 256, scannedMax: 100, end: null };
  let cursor: EventCursor = { settled: 0n, newest: 1n << 62n, seen: new Map([[channelKey("a"), 2 ** 40]]) };
  for (let page = 1; page <= 10; page++) {
    pulled = 0;
    const { picked, next } = await scanEvents(rows(cursor.settled), cursor, bounds);
    expect([picked, next.settled]).toEqual([[], BigInt(page * 100)]);
    expect(pulled).toBeLessThanOrEqual(101);
    cursor = next;
  }
});

test("a window that ends before rows that the cursor has read keeps them", async () => {
  async function* rows(): AsyncGenerator<EventPlace> {
    yield { ord: 5n, channelId: "late", seq: 1 };
  }
  const seen = new Map([[channelKey("early"), 1]]);
  const bounds = { limit: 10, settled: 0n, seenMax: 256, scannedMax: 100, end: 5n };
  const { picked, next } = await scanEvents(rows(), { settled: 0n, newest: 10n, seen }, bounds);
  expect(picked).toEqual([{ ord: 5n, channelId: "late", seq: 1 }]);
  expect(next.seen).toEqual(new Map([...seen, [channelKey("late"), 1]]));
});

describe("a cursor as text", () => {
  test("has a few characters per channel, all of them safe in a URL", () => {
    const seen = new Map(
      Array.from({ length: 256 }, (_, n) => [n.toString(16).padStart(16, "0"), 2 ** 40 + n]),
    );
    const cursor = { settled: (1n << 63n) + 5n, newest: 7n, seen };
    const text = encodeCursor(cursor);
    expect(text).toMatch(/^[\w-]{1,5000}$/);
    expect(decodeCursor(text)).toEqual(cursor);
  });

  test.each([
    "",
    "x",
    "now",
    "AQ",
    "7",
    encodeCursor(beginning).slice(0, -4),
    `${encodeCursor(beginning)}AA`,
    "!!!",
  ])("%j does not decode", (text) => {
    expect(decodeCursor(text)).toBeNull();
  });
});
