import type { ChangeStreamInsertDocument, Collection } from "mongodb";
import type { EventDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";
import type { EventDoorbell } from "./event-doorbell.ts";

export interface ChangeStreamDoorbellOptions {
  events: Collection<EventDocument>;
  log: Logger;
}

/** A doorbell that knows how many waiters listen to it. */
export interface ChangeStreamDoorbell extends EventDoorbell, AsyncDisposable {
  readonly listeners: number;
}

/** Waiters also poll at these intervals: a change that the stream misses costs latency, never an event. */
const pollPausesMs = [200, 400, 1_000];

type Inserted = Pick<ChangeStreamInsertDocument<Pick<EventDocument, "channelId">>, "_id" | "fullDocument">;

/** The projection must keep `_id`, the resume token. Fence rows have no `seq`. */
const channelOfInsert = [
  { $match: { operationType: "insert", "fullDocument.seq": { $exists: true } } },
  { $project: { "fullDocument.channelId": 1 } },
];

/** Rings from one change stream for the whole process, opened by the first listener. */
export function changeStreamDoorbell({ events, log }: ChangeStreamDoorbellOptions): ChangeStreamDoorbell {
  const listeners = new Set<{ channelIds: ReadonlySet<string> | null; ring: () => void }>();
  const stopping = new AbortController();
  let following: Promise<void> | null = null;
  const ringFor = (channelId: string | null) => {
    for (const { channelIds, ring } of listeners)
      if (channelId === null || channelIds === null || channelIds.has(channelId)) ring();
  };
  const follow = () =>
    followChanges<Inserted>({
      name: "event-doorbell",
      watch: () => events.watch(channelOfInsert),
      opened: () => ringFor(null),
      changed: ({ fullDocument }) => ringFor(fullDocument.channelId),
      log,
      signal: stopping.signal,
    });
  return {
    pausesMs: pollPausesMs,
    stopping: stopping.signal,
    get listeners() {
      return listeners.size;
    },
    listen(channelIds, ring) {
      following ??= follow();
      const listener = { channelIds: channelIds && new Set(channelIds), ring };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await following;
    },
  };
}
