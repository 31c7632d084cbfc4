/** Keeps the numbered event log of each channel: the channel's owner writes it, every gateway follows it. */

import { type Collection, MongoBulkWriteError, Timestamp } from "mongodb";
import type { EventDocument, FenceDocument } from "#shared/collections.ts";
import { duplicateKeyCode } from "#shared/database-errors.ts";
import type { EventData, EventType } from "#shared/events.ts";
import { newEventId } from "#shared/ids.ts";
import type { SharedCall } from "#shared/shared-call.ts";
import { dateOf, type Fence, FencedError } from "../ownership/fence.ts";
import { raiseFence } from "../ownership/raise-fence.ts";
import { fittingBytes } from "./event-size.ts";
import { newestSeqs } from "./newest-seq.ts";
import { type Append, appendBytesMax, sharedAppends } from "./shared-appends.ts";

/** One channel's numbered log, as its owner writes it. */
export interface EventLog {
  /**
   * Resolves when the event is durable in the log. With an `id`, publishing the same event again adds nothing: the
   * second copy is dropped and takes no number. Throws `EventTooLargeError` for data above 1 MB, `FencedError` once another owner has the channel, and the
   * database's error when it stays unavailable. `withinMs`: how long it may wait for the next event, to share its write.
   */
  publish<T extends EventType>(
    type: T,
    data: EventData[T],
    id?: string,
    options?: { withinMs?: number },
  ): Promise<void>;
  /** Those of these ids that events in the log have. Rejects with the database's error. */
  has(ids: readonly string[]): Promise<Set<string>>;
  /** Resolves when no event is pending. */
  flush(): Promise<void>;
  /** The number of the newest event. */
  readonly lastSeq: number;
  /** The `raisedSeq` that the former owner left; undefined if it left none. */
  readonly raisedSeq: number | undefined;
}

const batchMax = 200;
const pendingMax = 10_000;
const attemptsMax = 4;

/** Takes the log over: from then on a former owner cannot write. Throws `FencedError` for a superseded epoch. */
export async function openEventLog(
  events: Collection<EventDocument>,
  fence: Fence,
  { isNew = false, ...hooks }: EventLogOptions = {},
): Promise<EventLog> {
  if (isNew) return new OwnedEventLog(events, fence, hooks, 0, undefined);
  const row = await raiseFence(events, fence);
  const newest = await newestSeqs(events).submit(fence.channelId);
  return new OwnedEventLog(events, fence, hooks, lastSeqOf(row, newest), row.raisedSeq);
}

export interface EventLogOptions extends EventLogHooks {
  /** No owner had the channel before: its log is empty, and the first event makes the fence. */
  isNew?: boolean;
}

interface EventLogHooks {
  /** Called with new events once they are durable in the log, in the order of `seq`. Some may be left to the log's readers. */
  onAppended?(events: readonly EventDocument[]): void;
  /** The number after which there may be statuses that are not in `messages` yet; undefined if all are. */
  unraisedAfter?(): number | undefined;
}

interface PendingEvent {
  event: Omit<EventDocument, "seq">;
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** Numbers pending events and appends them in batches, one batch at a time. */
class OwnedEventLog implements EventLog {
  readonly #events: Collection<EventDocument>;
  readonly #appends: SharedCall<Append, void>;
  readonly #fence: Fence;
  readonly #hooks: EventLogHooks;
  readonly #pending: PendingEvent[] = [];
  readonly raisedSeq: number | undefined;
  #lastSeq: number;
  #draining: Promise<void> | null = null;
  #soon: NodeJS.Timeout | undefined;

  constructor(
    events: Collection<EventDocument>,
    fence: Fence,
    hooks: EventLogHooks,
    lastSeq: number,
    raisedSeq: number | undefined,
  ) {
    this.#events = events;
    this.#appends = sharedAppends(events);
    this.#fence = fence;
    this.#hooks = hooks;
    this.#lastSeq = lastSeq;
    this.raisedSeq = raisedSeq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  publish<T extends EventType>(
    type: T,
    data: EventData[T],
    id: string = newEventId(),
    { withinMs = 0 }: { withinMs?: number } = {},
  ): Promise<void> {
    if (this.#pending.length >= pendingMax) return Promise.reject(new Error("Too many events are pending"));
    let bytes: number;
    try {
      bytes = fittingBytes({ ...data });
    } catch (error) {
      return Promise.reject(error);
    }
    const { channelId, epoch } = this.#fence;
    const event = {
      _id: id,
      channelId,
      // The server fills an empty timestamp in an insert and in a replacement, not in an update.
      ord: new Timestamp({ t: 0, i: 0 }),
      epoch,
      type,
      timestamp: dateOf(this.#fence),
      data: { ...data } as Record<string, unknown>,
    };
    const published = new Promise<void>((resolve, reject) =>
      this.#pending.push({ event, bytes, resolve, reject }),
    );
    if (withinMs > 0) this.#soon ??= setTimeout(() => this.#begin(), withinMs);
    else this.#begin();
    return published;
  }

  has(ids: readonly string[]): Promise<Set<string>> {
    return knownIds(this.#events, ids);
  }

  async flush(): Promise<void> {
    if (this.#pending.length > 0) this.#begin();
    await this.#draining;
  }

  #begin(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#draining ??= Promise.resolve().then(() => this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, batchLength(this.#pending));
      await this.#write(batch).catch((error: unknown) => {
        // Those behind it must not overtake it: they come again with it, in order, from the journal.
        for (const { reject } of [...batch, ...this.#pending.splice(0)]) reject(error);
      });
    }
    this.#draining = null;
  }

  /** Appends a batch, retrying failures that may have written a part of it. */
  async #write(batch: PendingEvent[]): Promise<void> {
    let unwritten = batch;
    for (let failures = 0, isCertain = true; ; ) {
      try {
        if (!isCertain) unwritten = await this.#resync(unwritten);
        await this.#append(unwritten);
        // Known events too, and only now: the append has corrected the fence row, which numbers the log once retention
        // has emptied it.
        for (const { resolve } of batch) resolve();
        return;
      } catch (error) {
        if (error instanceof FencedError) throw error;
        if (!isDuplicate(error) && ++failures >= attemptsMax) throw error;
        isCertain = false;
      }
    }
  }

  /**
   * Reads the log after a failure: an event was in it already, or an unknown number of them has been written. Returns
   * those that are not in it.
   */
  async #resync(batch: PendingEvent[]): Promise<PendingEvent[]> {
    const { channelId } = this.#fence;
    const newest = await newestSeqs(this.#events).submit(channelId);
    this.#lastSeq = lastSeqOf({ lastSeq: this.#lastSeq, writtenSeq: this.#lastSeq }, newest);
    return await withoutKnown(this.#events, batch);
  }

  async #append(pending: readonly PendingEvent[]): Promise<void> {
    const writtenSeq = this.#lastSeq;
    const lastSeq = writtenSeq + pending.length;
    const rows = pending.map(({ event }, index) => ({ ...event, seq: writtenSeq + 1 + index }));
    const bytes = pending.reduce((sum, one) => sum + one.bytes, 0);
    const raisedSeq = this.#hooks.unraisedAfter?.() ?? lastSeq;
    const numbers = { writtenSeq, lastSeq, raisedSeq };
    await this.#appends.submit({ fence: this.#fence, numbers, rows, bytes });
    this.#lastSeq = lastSeq;
    this.#hooks.onAppended?.(rows);
  }
}

/** How many of these events, at least one, are written at once. */
function batchLength(pending: readonly PendingEvent[]): number {
  let length = 0;
  for (let bytes = 0; length < Math.min(pending.length, batchMax); length++) {
    bytes += pending[length]?.bytes ?? 0;
    if (length > 0 && bytes > appendBytesMax) break;
  }
  return length;
}

/**
 * Returns the number of the newest event: the fence row alone may count numbers of an interrupted write that has no
 * events. Falls back to the fence row where retention removed events: it goes by the clocks of hosts, so it may empty
 * the log, or remove newer rows and leave older ones.
 */
function lastSeqOf(
  { lastSeq = 0, writtenSeq = 0 }: Pick<FenceDocument, "lastSeq" | "writtenSeq">,
  newest: number | null,
): number {
  return newest === null ? lastSeq : Math.max(newest, writtenSeq);
}

/** The events that are not in the log yet. */
async function withoutKnown(
  events: Collection<EventDocument>,
  batch: PendingEvent[],
): Promise<PendingEvent[]> {
  const known = await knownIds(
    events,
    batch.map(({ event }) => event._id),
  );
  return batch.filter(({ event }) => !known.has(event._id));
}

async function knownIds(events: Collection<EventDocument>, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = { _id: { $in: [...ids] } };
  return new Set(await events.distinct("_id", rows, { readPreference: "primary" }));
}

function isDuplicate(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  return [error.writeErrors].flat()[0]?.code === duplicateKeyCode;
}
