import type { ChangeStreamInsertDocument, Collection } from "mongodb";
import type { EventDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";
import type { EventDoorbell } from "./event-doorbell.ts";

export interface ChangeStreamDoorbellOptions {
  events: Collection<EventDocument>;
  log: Logger;
}

/** A bell, and how many listen to it. */
export interface ChangeStreamDoorbell extends EventDoorbell, AsyncDisposable {
  readonly listeners: number;
}

/** How often a waiter looks anyway: what the stream does not tell costs latency, never an event. */
const netPausesMs = [200, 400, 1_000];

type Inserted = Pick<ChangeStreamInsertDocument<Pick<EventDocument, "channelId">>, "_id" | "fullDocument">;

/** The resume token `_id` has to survive the projection. Fence rows have no `seq`. */
const channelOfInsert = [
  { $match: { operationType: "insert", "fullDocument.seq": { $exists: true } } },
  { $project: { "fullDocument.channelId": 1 } },
];

/** Rings by one change stream for the whole process, opened when somebody listens for the first time. */
export function changeStreamDoorbell({ events, log }: ChangeStreamDoorbellOptions): ChangeStreamDoorbell {
  const rings = new Set<{ channelIds: ReadonlySet<string> | null; ring: () => void }>();
  const stopping = new AbortController();
  let following: Promise<void> | null = null;
  const ringFor = (channelId: string | null) => {
    for (const { channelIds, ring } of rings)
      if (channelId === null || channelIds === null || channelIds.has(channelId)) ring();
  };
  const follow = () =>
    followChanges<Inserted>({
      name: "event-bell",
      watch: () => events.watch(channelOfInsert),
      opened: () => ringFor(null),
      changed: ({ fullDocument }) => ringFor(fullDocument.channelId),
      log,
      signal: stopping.signal,
    });
  return {
    pausesMs: netPausesMs,
    stopping: stopping.signal,
    get listeners() {
      return rings.size;
    },
    listen(channelIds, ring) {
      following ??= follow();
      const listener = { channelIds: channelIds && new Set(channelIds), ring };
      rings.add(listener);
      return () => void rings.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await following;
    },
  };
}
