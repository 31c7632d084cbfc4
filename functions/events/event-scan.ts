import { channelKey, type EventCursor } from "./event-cursor.ts";

/** Of a row of the log: its place across channels, and in its channel. */
export interface EventPlace {
  ord: bigint;
  channelId: string;
  seq: number;
}

export interface ScanBounds {
  limit: number;
  /** Up to this `ord` nothing appears any more. */
  settled: bigint;
  /** Channels that the next cursor may remember; when there are more, rows wait until they are settled. */
  seenMax: number;
}

/**
 * Picks what a cursor has not read, at most `limit`. `rows` are those after its `settled` in the order of `ord`, all as
 * they were at one moment. Returns the cursor that stands after what was picked, too.
 */
export async function scanEvents(
  rows: AsyncIterable<EventPlace>,
  cursor: EventCursor,
  { limit, settled, seenMax }: ScanBounds,
): Promise<{ picked: EventPlace[]; next: EventCursor }> {
  const picked: EventPlace[] = [];
  const read = new ReadPlaces(cursor, settled, seenMax);
  /** Where picking ended although there was more. */
  let stop: bigint | null = null;
  let reached = cursor.settled;
  for await (const row of rows) {
    const isRead = read.has(row);
    if (stop === null && !isRead && (picked.length === limit || !read.hasRoomFor(row))) stop = reached;
    // What was read beyond it has to be remembered on.
    if (stop !== null && row.ord > cursor.newest) break;
    if (stop !== null && !isRead) continue;
    if (!isRead) picked.push(row);
    read.add(row);
    if (stop === null) reached = row.ord;
  }
  const upTo = stop === null ? settled : earlier(stop, settled);
  const next = {
    settled: later(cursor.settled, upTo),
    newest: later(cursor.newest, picked.at(-1)?.ord ?? 0n),
  };
  return { picked, next: { ...next, seen: read.after(next.settled) } };
}

/** What has been read of each channel: of what the scan passes, and of what it has yet to pass. */
class ReadPlaces {
  readonly #cursor: EventCursor;
  readonly #settled: bigint;
  readonly #seenMax: number;
  readonly #newest = new Map<string, EventPlace>();
  /** Channels that take room in the cursor: not passed yet, or not settled. */
  readonly #kept: Set<string>;

  constructor(cursor: EventCursor, settled: bigint, seenMax: number) {
    this.#seenMax = seenMax;
    this.#cursor = cursor;
    this.#settled = settled;
    this.#kept = new Set(cursor.seen.keys());
  }

  has({ channelId, seq }: EventPlace): boolean {
    return seq <= (this.#cursor.seen.get(channelKey(channelId)) ?? 0);
  }

  hasRoomFor({ channelId, ord }: EventPlace): boolean {
    return ord <= this.#settled || this.#kept.has(channelKey(channelId)) || this.#kept.size < this.#seenMax;
  }

  add(row: EventPlace): void {
    const key = channelKey(row.channelId);
    this.#newest.set(key, row);
    if (row.ord > this.#settled) this.#kept.add(key);
    else if (row.seq >= (this.#cursor.seen.get(key) ?? 0)) this.#kept.delete(key);
  }

  after(settled: bigint): Map<string, number> {
    const rows = [...this.#newest].filter(([, { ord }]) => ord > settled);
    return new Map(rows.map(([key, { seq }]) => [key, seq]));
  }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
