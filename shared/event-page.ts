/** Reads a channel's event log page by page. */

import type { Collection } from "mongodb";
import { type EventDocument, type FenceDocument, fenceId, collectionNames as names } from "./collections.ts";
import { boundedRead } from "./database.ts";
import { fillPage } from "./event-rows.ts";

const majority = { readConcern: { level: "majority" }, readPreference: "primary", ...boundedRead } as const;

/** The events of one channel after a number, oldest first, or why they are unavailable. */
export type EventPage =
  /** `next` is the number to continue after, also if there are no rows. */
  | { kind: "rows"; rows: EventDocument[]; next: number }
  /** Retention has removed the events that followed; `seq` is the last number before those that are kept. */
  | { kind: "missed"; seq: number }
  /** The number has not been assigned yet, as far as this MongoDB server knows; `seq` is the last that has. */
  | { kind: "ahead"; seq: number };

/**
 * Reads at most `limit` events after number `after`, fewer when they are large; null = from the oldest that is kept. `signal`
 * ends it early.
 */
export async function readEventPage(
  events: Collection<EventDocument>,
  channelId: string,
  after: number | null,
  limit: number,
  signal?: AbortSignal,
): Promise<EventPage> {
  const { rows } = await fillPage(
    events.find(
      { channelId, seq: { $gt: after ?? 0 } },
      { sort: { seq: 1 }, limit, ...majority, ...(signal && { signal }) },
    ),
  );
  const [first, last] = [rows[0], rows.at(-1)];
  if (
    first &&
    last &&
    (after === null || first.seq === after + 1 || (await isKeptUpTo(events, channelId, after)))
  )
    return { kind: "rows", rows, next: last.seq };
  if (first) return { kind: "missed", seq: first.seq - 1 };
  const before = after === null ? null : await newestUpTo(events, channelId, after);
  if (after === null || before === null) return ofEmptyLog(events, channelId, after);
  return before < after ? { kind: "ahead", seq: before } : { kind: "rows", rows, next: after };
}

async function isKeptUpTo(
  events: Collection<EventDocument>,
  channelId: string,
  seq: number,
): Promise<boolean> {
  return (await newestUpTo(events, channelId, seq)) !== null;
}

async function newestUpTo(
  events: Collection<EventDocument>,
  channelId: string,
  seq: number,
): Promise<number | null> {
  const newest = await events.findOne(
    { channelId, seq: { $lte: seq } },
    { sort: { seq: -1 }, projection: { seq: 1 }, ...majority },
  );
  return newest?.seq ?? null;
}

/** Numbers after `writtenSeq` may still be on their way to the log. */
async function ofEmptyLog(
  events: Collection<EventDocument>,
  channelId: string,
  after: number | null,
): Promise<EventPage> {
  const { lastSeq, writtenSeq } = await fenceNumbers(events, channelId);
  const next = after ?? writtenSeq;
  if (next < writtenSeq) return { kind: "missed", seq: writtenSeq };
  return next > lastSeq ? { kind: "ahead", seq: lastSeq } : { kind: "rows", rows: [], next };
}

async function fenceNumbers(
  events: Collection<EventDocument>,
  channelId: string,
): Promise<{ lastSeq: number; writtenSeq: number }> {
  const fences = events.db.collection<FenceDocument>(names.events);
  const fence = await fences.findOne({ _id: fenceId(channelId) }, majority);
  return { lastSeq: fence?.lastSeq ?? 0, writtenSeq: fence?.writtenSeq ?? 0 };
}
