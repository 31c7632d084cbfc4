import type { ChangeHub } from "#shared/change-hub.ts";
import type { EventDocument } from "#shared/collections.ts";

export interface EventTailOptions {
  changes: Pick<ChangeHub, "listen">;
  /** The stream is open; events inserted before that are only in the log. */
  opened(): void;
  /** The stream could not be opened, or ended; it will be opened again. */
  lost(): void;
  /**
   * An event of any channel; the events of one channel arrive in the order of its log. `row` returns null for one that has to
   * be read from the log. Returns false when nobody wants the event.
   */
  appended(event: { channelId: string; seq: number; row(): EventDocument | null }): unknown;
  signal: AbortSignal;
}

/** Follows the logs of all channels until `signal` aborts. */
export function tailEvents({ changes, opened, lost, appended, signal }: EventTailOptions): void {
  changes.listen({ topics: ["event_appended"], opened, lost, changed: appended }, signal);
}
