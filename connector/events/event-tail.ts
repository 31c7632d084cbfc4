import type { ChangeStreamInsertDocument, Collection } from "mongodb";
import type { EventDocument } from "#shared/collections.ts";
import { followChanges } from "#shared/follow-changes.ts";
import type { Logger } from "#shared/log.ts";

export interface EventTailOptions {
  events: Collection<EventDocument>;
  /** The stream is open; events inserted before that are only in the log. */
  opened(): void;
  /** The stream could not be opened, or ended; it will be opened again. */
  lost(): void;
  /** An event of any channel; the events of one channel arrive in the order of its log. */
  inserted(event: EventDocument): void;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Follows the logs of all channels with one change stream until `signal` aborts. Skips fence rows, which have no `seq`.
 */
export function tailEvents({ events, inserted, ...rest }: EventTailOptions): Promise<void> {
  const inserts = [{ $match: { operationType: "insert", "fullDocument.seq": { $exists: true } } }];
  return followChanges<ChangeStreamInsertDocument<EventDocument>>({
    ...rest,
    name: "events",
    watch: () => events.watch(inserts),
    changed: ({ fullDocument }) => inserted(fullDocument),
  });
}
