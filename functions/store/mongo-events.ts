import { type ClientSession, type Collection, type MongoClient, Timestamp } from "mongodb";
import { type EventDocument, eventInsertMsMax } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import { readEventPage } from "#shared/event-page.ts";
import type { Retention } from "#shared/indexes.ts";
import { decodeCursor, type EventCursor, encodeCursor, seenMax } from "../events/event-cursor.ts";
import { type EventPlace, scanEvents } from "../events/event-scan.ts";
import type { ChannelEventQuery, EventPage, EventQuery, LogReader } from "../events/event-view.ts";

const daySeconds = 86_400;
/** How long a row may take to appear among others, and as much for clocks that differ. */
const unsettled = BigInt((eventInsertMsMax / 1_000) * 1.5) << 32n;
const beginning: EventCursor = { settled: 0n, newest: 0n, seen: new Map() };
const batchRows = 2_000;

/** Reads the log as the connectors write it. */
export function mongoEvents(
  client: MongoClient,
  events: Collection<EventDocument>,
  retention: Pick<Retention, "eventsDays">,
): LogReader {
  return {
    readChannelEvents: (query) => readChannel(events, query),
    readEvents: (query) =>
      client.withSession({ snapshot: true }, (session) => readAll({ events, session, retention }, query)),
    presentCursor: () =>
      client.withSession({ snapshot: true }, async (session) =>
        cursorAt(await momentOf({ events, session })),
      ),
  };
}

async function readChannel(
  events: Collection<EventDocument>,
  { channelId, after, limit }: ChannelEventQuery,
): Promise<EventPage> {
  const page = await readEventPage(events, channelId, after, limit);
  if (page.kind === "rows") return { events: page.rows, next: String(page.next) };
  const message = page.kind === "ahead" ? "There is no such event yet" : undefined;
  throw new ServiceError("resync_required", message, { details: { seq: page.seq } });
}

interface Snapshot {
  events: Collection<EventDocument>;
  /** All that is read in it is as it was at one moment, and known to a majority. */
  session: ClientSession;
}

type KeptSnapshot = Snapshot & { retention: Pick<Retention, "eventsDays"> };

async function readAll(snapshot: KeptSnapshot, { channelIds, after, limit }: EventQuery): Promise<EventPage> {
  const cursor = after === null ? beginning : cursorOf(after);
  const moment = await momentOf(snapshot);
  if (after !== null) await assertKept(snapshot, cursor, moment);
  const settled = moment - unsettled;
  const rows = placesAfter(snapshot, cursor.settled, channelIds);
  const { picked, next } = await scanEvents(rows, cursor, { limit, settled, seenMax });
  return { events: await eventsAt(snapshot, picked), next: encodeCursor(next) };
}

function cursorOf(text: string): EventCursor {
  const cursor = decodeCursor(text);
  if (cursor) return cursor;
  const details = [{ field: "after", message: "must be a nextCursor of this list, or now" }];
  throw new ServiceError("invalid_request", undefined, { details });
}

/** The snapshot's own time; the first read of a session decides it. */
async function momentOf({ events, session }: Snapshot): Promise<bigint> {
  await events.findOne({ _id: "" }, { session, projection: { _id: 1 } });
  // Not declared in the driver's types.
  const moment: unknown = Reflect.get(session, "snapshotTime");
  if (!(moment instanceof Timestamp)) throw new Error("MongoDB told no time of a snapshot");
  return moment.toBigInt();
}

/** Throws `resync_required` when retention may have taken what follows the cursor, or it is another database's. */
async function assertKept(
  { events, session, retention }: KeptSnapshot,
  cursor: EventCursor,
  moment: bigint,
): Promise<void> {
  if (cursor.settled > moment + unsettled) throw resyncFrom(moment, "There is no such place yet");
  const kept = BigInt(retention.eventsDays * daySeconds) << 32n;
  if (cursor.settled >= moment - kept) return;
  const oldest = await events.findOne(
    { ord: { $exists: true } },
    { session, sort: { ord: 1 }, projection: { ord: 1 } },
  );
  const start = oldest ? oldest.ord.toBigInt() - 1n : moment;
  if (start > cursor.settled) throw resyncFrom(start);
}

function resyncFrom(ord: bigint, message?: string): ServiceError {
  return new ServiceError("resync_required", message, { details: { cursor: cursorAt(ord) } });
}

/** The cursor of a reader that has everything up to there, and nothing after. */
function cursorAt(ord: bigint): string {
  return encodeCursor({ settled: ord, newest: ord, seen: new Map() });
}

/** Answered by the index alone. */
async function* placesAfter(
  { events, session }: Snapshot,
  settled: bigint,
  channelIds: readonly string[] | null,
): AsyncGenerator<EventPlace> {
  const filter = {
    ord: { $gt: new Timestamp(settled) },
    ...(channelIds && { channelId: { $in: [...channelIds] } }),
  };
  const places = events.find(filter, { session, sort: { ord: 1 }, batchSize: batchRows });
  const wanted = places.project<Pick<EventDocument, "ord" | "channelId" | "seq">>({
    _id: 0,
    ord: 1,
    channelId: 1,
    seq: 1,
  });
  for await (const { ord, channelId, seq } of wanted) yield { ord: ord.toBigInt(), channelId, seq };
}

async function eventsAt({ events, session }: Snapshot, places: EventPlace[]): Promise<EventDocument[]> {
  if (places.length === 0) return [];
  const ords = places.map(({ ord }) => new Timestamp(ord));
  const found = await events.find({ ord: { $in: ords } }, { session, batchSize: ords.length }).toArray();
  const rows = new Map(found.map((row) => [nameOf(row), row]));
  return places.flatMap((place) => rows.get(nameOf(place)) ?? []);
}

function nameOf({ channelId, seq }: Pick<EventPlace, "channelId" | "seq">): string {
  return `${channelId}/${seq}`;
}
