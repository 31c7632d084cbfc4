/** Pages through the event log by cursor and waits for new events. */

import { channelKey, type EventCursor } from "./event-cursor.ts";

/** The position of a row of the log: `ord` across channels, `seq` within its channel. */
export interface EventPlace {
  ord: bigint;
  channelId: string;
  seq: number;
}

export interface ScanBounds {
  limit: number;
  /** No further rows appear up to this `ord`. */
  settled: bigint;
  /** The most channels in the next cursor; rows of further channels wait until they are settled. */
  seenMax: number;
  /** The most rows to look at, in case the cursor has read nearly all of them: callers can make such cursors. */
  scannedMax: number;
  /** The `ord` up to which `rows` are complete, if others may follow; null = there are no others. */
  end: bigint | null;
}

/**
 * Picks at most `limit` rows that the cursor has not read, and returns them with the cursor after them. `rows` are a
 * snapshot of the rows after the cursor's `settled`, in the order of `ord`, complete up to `end`.
 */
export async function scanEvents(
  rows: AsyncIterable<EventPlace>,
  cursor: EventCursor,
  { limit, settled, seenMax, scannedMax, end }: ScanBounds,
): Promise<{ picked: EventPlace[]; next: EventCursor }> {
  const picked: EventPlace[] = [];
  const read = new ReadPlaces(cursor, settled, seenMax);
  /** The `ord` at which picking stopped although rows remained. */
  let stop: bigint | null = null;
  let reached = cursor.settled;
  let scanned = 0;
  for await (const row of rows) {
    // Rows of different channels can share an `ord` on different shards: the cursor stays before those not read.
    const before = earlier(reached, row.ord - 1n);
    if (scanned++ === scannedMax) {
      stop ??= before;
      read.keepUnscanned();
      break;
    }
    const isRead = read.has(row);
    if (stop === null && !isRead && (picked.length === limit || !read.hasRoomFor(row))) stop = before;
    // Rows already read past the stopping point must stay in the cursor.
    if (stop !== null && row.ord > cursor.newest) break;
    if (stop !== null && !isRead) continue;
    if (!isRead) picked.push(row);
    read.add(row);
    if (stop === null) reached = row.ord;
  }
  if (end !== null) {
    stop ??= end;
    read.keepUnscanned();
  }
  const upTo = stop === null ? settled : earlier(stop, settled);
  const next = {
    settled: later(cursor.settled, upTo),
    newest: later(cursor.newest, picked.at(-1)?.ord ?? 0n),
  };
  return { picked, next: { ...next, seen: read.after(next.settled) } };
}

/** The rows read of each channel, both those that the scan has passed and those ahead of it. */
class ReadPlaces {
  readonly #cursor: EventCursor;
  readonly #settled: bigint;
  readonly #seenMax: number;
  readonly #newest = new Map<string, EventPlace>();
  /** Channels that take room in the cursor: the scan has not passed them yet, or their rows are not settled. */
  readonly #kept: Set<string>;
  #hasUnscanned = false;

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

  /** Rows that the cursor has read may follow where the scan ended, so the next cursor keeps what this one knows. */
  keepUnscanned(): void {
    this.#hasUnscanned = true;
  }

  after(settled: bigint): Map<string, number> {
    const seen = new Map(this.#hasUnscanned ? this.#cursor.seen : []);
    for (const [key, { ord, seq }] of this.#newest) {
      if (seq < (seen.get(key) ?? 0)) continue;
      // Nothing that was read of a settled channel is read again.
      if (ord > settled) seen.set(key, seq);
      else seen.delete(key);
    }
    return seen;
  }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
