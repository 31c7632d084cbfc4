import { type Collection, MongoBulkWriteError, Timestamp } from "mongodb";
import { type EventDocument, eventInsertMsMax, type FenceDocument } from "#shared/collections.ts";
import { durable } from "#shared/database.ts";
import { duplicateKeyCode } from "#shared/database-answer.ts";
import type { EventData, EventType } from "#shared/events.ts";
import { newEventId } from "#shared/ids.ts";
import { type Fence, FencedError, fencedError, fenceOperation, raiseFence } from "../ownership/fence.ts";

/** One channel's numbered log, as its owner writes it. */
export interface EventLog {
  /**
   * Resolves when the event is in the log for good. With an `id`, the same event twice is one: the second is dropped
   * and gets no number. Throws `FencedError` once somebody else owns the channel, and the database's error when it
   * stays away.
   */
  publish<T extends EventType>(type: T, data: EventData[T], id?: string): Promise<void>;
  /** Resolves when nothing is on its way. */
  flush(): Promise<void>;
}

interface Entry {
  event: Omit<EventDocument, "seq">;
  resolve(): void;
  reject(error: unknown): void;
}

const batchMax = 200;
const entriesMax = 10_000;
const attemptsMax = 4;

/** Takes the log over: from here on a former owner cannot write. */
export async function openEventLog(events: Collection<EventDocument>, fence: Fence): Promise<EventLog> {
  const row = await raiseFence(events, fence);
  let lastSeq = await newestSeq(events, row);
  const waiting: Entry[] = [];
  let running: Promise<void> | null = null;

  const write = async (batch: Entry[]) => {
    let rest = batch;
    for (let failures = 0, isCertain = true; ; ) {
      try {
        // Either an event is there already, or it is not known how many are: the log itself says.
        if (!isCertain) {
          lastSeq = await newestSeq(events, { ...row, lastSeq, writtenSeq: lastSeq });
          rest = await withoutKnown(events, rest);
        }
        const numbered = rest.map(({ event }, index) => ({ ...event, seq: lastSeq + 1 + index }));
        await append(events, fence, numbered, lastSeq);
        lastSeq += numbered.length;
        for (const { resolve } of rest) resolve();
        return;
      } catch (error) {
        if (error instanceof FencedError) throw error;
        if (!isDuplicate(error) && ++failures >= attemptsMax) throw error;
        isCertain = false;
      }
    }
  };
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchMax);
      await write(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
    }
    running = null;
  };

  return {
    publish(type, data, id = newEventId()) {
      if (waiting.length >= entriesMax)
        return Promise.reject(new Error("Too many events wait to be written"));
      const event = {
        _id: id,
        channelId: fence.channelId,
        // A plain insert, because only there the server fills it.
        ord: new Timestamp({ t: 0, i: 0 }),
        epoch: fence.epoch,
        type,
        timestamp: new Date(),
        data: { ...data } as Record<string, unknown>,
      };
      const written = new Promise<void>((resolve, reject) => waiting.push({ event, resolve, reject }));
      running ??= Promise.resolve().then(drain);
      return written;
    },
    async flush() {
      await running;
    },
  };
}

async function append(
  events: Collection<EventDocument>,
  fence: Fence,
  batch: EventDocument[],
  writtenSeq: number,
): Promise<void> {
  const inserts = batch.map((document) => ({ insertOne: { document } }));
  const numbers = { writtenSeq, lastSeq: writtenSeq + batch.length };
  try {
    await events.bulkWrite([fenceOperation(fence, numbers), ...inserts], {
      ordered: true,
      ...durable,
      // The order of rows across channels is read by it; see `eventInsertMsMax`.
      maxTimeMS: eventInsertMsMax,
    });
  } catch (error) {
    throw fencedError(error, fence);
  }
}

/**
 * The newest event decides, because a write that was interrupted may have given numbers to nothing. Unless retention was
 * there: it goes by the clocks of hosts, so it may empty the log, or take newer rows and leave older ones.
 */
async function newestSeq(
  events: Collection<EventDocument>,
  { channelId, lastSeq = 0, writtenSeq = 0 }: Pick<FenceDocument, "channelId" | "lastSeq" | "writtenSeq">,
): Promise<number> {
  const newest = await events.findOne(
    { channelId, seq: { $exists: true } },
    { sort: { seq: -1 }, projection: { seq: 1 }, readPreference: "primary" },
  );
  return newest ? Math.max(newest.seq, writtenSeq) : lastSeq;
}

/** Resolves those that the log has already, and returns the others. */
async function withoutKnown(events: Collection<EventDocument>, batch: Entry[]): Promise<Entry[]> {
  const ids = batch.map(({ event }) => event._id);
  const found = await events.distinct("_id", { _id: { $in: ids } }, { readPreference: "primary" });
  const known = new Set(found);
  return batch.filter(({ event, resolve }) => {
    const isKnown = known.has(event._id);
    if (isKnown) resolve();
    return !isKnown;
  });
}

function isDuplicate(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  return [error.writeErrors].flat()[0]?.code === duplicateKeyCode;
}
