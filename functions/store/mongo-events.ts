import { type ClientSession, type Collection, type MongoClient, Timestamp } from "mongodb";
import { type EventDocument, eventInsertMsMax } from "#shared/collections.ts";
import { boundedRead } from "#shared/database.ts";
import { ServiceError } from "#shared/errors.ts";
import { readEventPage } from "#shared/event-page.ts";
import { fillPage } from "#shared/event-rows.ts";
import type { Retention } from "#shared/indexes.ts";
import { decodeCursor, type EventCursor, encodeCursor, seenMax } from "../events/event-cursor.ts";
import { type EventPlace, scanEvents } from "../events/event-scan.ts";
import type { ChannelEventQuery, EventPage, EventQuery, LogReader } from "../events/event-view.ts";

const daySeconds = 86_400;
/** How long a row may take to appear, plus half of that for differing clocks. */
const unsettled = BigInt((eventInsertMsMax / 1_000) * 1.5) << 32n;
const beginning: EventCursor = { settled: 0n, newest: 0n, seen: new Map() };
const batchRows = 2_000;
/** The unsettled rows of 1,300 events a second. Takes a fifth of a second. */
const scannedMax = 20_000;
/** The rows of all channels among which those of a reader of some channels are searched. Takes less than a second. */
const windowRowsMax = 100_000;

/** Reads the event log that the connectors write. Tests make the window small. */
export function mongoEvents(
  client: MongoClient,
  events: Collection<EventDocument>,
  retention: Pick<Retention, "eventsDays">,
  windowRows = windowRowsMax,
): LogReader {
  return {
    readChannelEvents: (query) => readChannel(events, query),
    readEvents: (query) =>
      client.withSession({ snapshot: true }, (session) =>
        readAll({ events, session, retention, windowRows }, query),
      ),
    presentCursor: () =>
      client.withSession({ snapshot: true }, async (session) =>
        cursorAt(await snapshotTimeOf({ events, session })),
      ),
  };
}

async function readChannel(
  events: Collection<EventDocument>,
  { channelId, after, limit, signal }: ChannelEventQuery,
): Promise<EventPage> {
  const page = await readEventPage(events, channelId, after, limit, signal);
  if (page.kind === "rows") return { events: page.rows, next: String(page.next) };
  const message = page.kind === "ahead" ? "This event does not exist yet" : undefined;
  throw new ServiceError("resync_required", message, { details: { seq: page.seq } });
}

interface Snapshot {
  events: Collection<EventDocument>;
  /** All reads in it see the same moment, and only data that a majority has. */
  session: ClientSession;
}

type RetainedSnapshot = Snapshot & { retention: Pick<Retention, "eventsDays">; windowRows: number };

async function readAll(
  snapshot: RetainedSnapshot,
  { channelIds, after, limit, signal }: EventQuery,
): Promise<EventPage> {
  const cursor = after === null ? beginning : cursorOf(after);
  const moment = await snapshotTimeOf(snapshot);
  if (after !== null) await assertRetained(snapshot, cursor, moment);
  const settled = moment - unsettled;
  const end = channelIds && (await windowEnd(snapshot, cursor.settled, signal));
  const scan = (rows: number) => {
    const places = placesAfter(snapshot, { after: cursor.settled, end, channelIds, signal });
    return scanEvents(places, cursor, { limit: rows, settled, seenMax, scannedMax, end });
  };
  const { picked, next } = await scan(limit);
  const found = await eventsAt(snapshot, picked, signal);
  if (found.length === picked.length) return { events: found, next: encodeCursor(next) };
  // They fill a page before the limit is reached: the cursor is the one after the last of them.
  return { events: found, next: encodeCursor((await scan(found.length)).next) };
}

function cursorOf(text: string): EventCursor {
  const cursor = decodeCursor(text);
  if (cursor) return cursor;
  const details = [{ field: "after", message: "must be a nextCursor of this list, or now" }];
  throw new ServiceError("invalid_request", undefined, { details });
}

/** Returns the time of the snapshot, which the first read of the session sets. */
async function snapshotTimeOf({ events, session }: Snapshot): Promise<bigint> {
  await events.findOne({ _id: "" }, { session, projection: { _id: 1 }, ...boundedRead });
  // The driver's types do not declare it.
  const moment: unknown = Reflect.get(session, "snapshotTime");
  if (!(moment instanceof Timestamp)) throw new Error("The MongoDB session has no snapshot time");
  return moment.toBigInt();
}

/** Throws `resync_required` when retention may have removed events after the cursor, or another database issued it. */
async function assertRetained(
  { events, session, retention }: RetainedSnapshot,
  cursor: EventCursor,
  moment: bigint,
): Promise<void> {
  if (cursor.settled > moment + unsettled) throw resyncFrom(moment, "This position does not exist yet");
  const retained = BigInt(retention.eventsDays * daySeconds) << 32n;
  if (cursor.settled >= moment - retained) return;
  const oldest = await events.findOne(
    { ord: { $exists: true } },
    { session, sort: { ord: 1 }, projection: { ord: 1 }, ...boundedRead },
  );
  const start = oldest ? oldest.ord.toBigInt() - 1n : moment;
  if (start > cursor.settled) throw resyncFrom(start);
}

function resyncFrom(ord: bigint, message?: string): ServiceError {
  return new ServiceError("resync_required", message, { details: { cursor: cursorAt(ord) } });
}

/** Returns the cursor of a reader that has read everything up to `ord` and nothing after it. */
function cursorAt(ord: bigint): string {
  return encodeCursor({ settled: ord, newest: ord, seen: new Map() });
}

/** Returns the `ord` of the last row of the window after `settled`; null if the log ends within it. */
async function windowEnd(
  { events, session, windowRows }: RetainedSnapshot,
  settled: bigint,
  signal: AbortSignal,
): Promise<bigint | null> {
  const window = { sort: { ord: 1 }, skip: windowRows, limit: 1 } as const;
  const [beyond] = await events
    .find({ ord: { $gt: new Timestamp(settled) } }, { session, ...window, signal, ...boundedRead })
    .project<Pick<EventDocument, "ord">>({ _id: 0, ord: 1 })
    .toArray();
  return beyond ? beyond.ord.toBigInt() - 1n : null;
}

interface Range extends Pick<EventQuery, "channelIds" | "signal"> {
  after: bigint;
  end: bigint | null;
}

/** Yields the places in the range; the index alone answers the query. */
async function* placesAfter(
  { events, session }: Snapshot,
  { after, end, channelIds, signal }: Range,
): AsyncGenerator<EventPlace> {
  const filter = {
    ord: { $gt: new Timestamp(after), ...(end !== null && { $lte: new Timestamp(end) }) },
    ...(channelIds && { channelId: { $in: [...channelIds] } }),
  };
  const options = { session, sort: { ord: 1 }, batchSize: batchRows, signal, ...boundedRead } as const;
  const places = events.find(filter, options);
  const projected = places.project<Pick<EventDocument, "ord" | "channelId" | "seq">>({
    _id: 0,
    ord: 1,
    channelId: 1,
    seq: 1,
  });
  for await (const { ord, channelId, seq } of projected) yield { ord: ord.toBigInt(), channelId, seq };
}

/** Returns the first of the events at these places, as many as a page holds. */
async function eventsAt(
  { events, session }: Snapshot,
  places: EventPlace[],
  signal: AbortSignal,
): Promise<EventDocument[]> {
  if (places.length === 0) return [];
  const ords = places.map(({ ord }) => new Timestamp(ord));
  const options = { session, sort: { ord: 1 }, batchSize: ords.length, signal, ...boundedRead } as const;
  const { rows } = await fillPage(events.find({ ord: { $in: ords } }, options));
  const found = new Map(rows.map((row) => [nameOf(row), row]));
  return places.flatMap((place) => found.get(nameOf(place)) ?? []);
}

function nameOf({ channelId, seq }: Pick<EventPlace, "channelId" | "seq">): string {
  return `${channelId}/${seq}`;
}
