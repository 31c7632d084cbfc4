import { ServiceError } from "#shared/errors.ts";
import { pollUntil } from "../results/poll-until.ts";
import type { EventDoorbell } from "./event-doorbell.ts";
import type { EventPage } from "./event-view.ts";

export interface WaitForEventsOptions<P> {
  /** Reads the events after a place; without one, those after the `after` of the request. */
  read: (after?: P) => Promise<EventPage>;
  /** Converts the `next` of a page to a place. */
  placeOf: (next: string) => P;
  /** 0 reads once. */
  waitMs: number;
  /** The channels to wait for; null = all. */
  channelIds: readonly string[] | null;
  doorbell: EventDoorbell;
  /** The request's signal: it aborts when the client disconnects. */
  signal: AbortSignal;
}

/**
 * Returns the next events, or an empty page when none arrived in time. Rejects as the first read does; a later read that
 * fails with `database_unavailable` is retried.
 */
export async function waitForEvents<P>(options: WaitForEventsOptions<P>): Promise<EventPage> {
  const { read, placeOf, waitMs, channelIds, doorbell, signal } = options;
  if (waitMs === 0) return read();
  let last: EventPage | null = null;
  const readNext = async (): Promise<EventPage | null> => {
    const page: EventPage | null = last
      ? await read(placeOf(last.next)).catch(nullIfUnavailable)
      : await read();
    last = page ?? last;
    return page && page.events.length > 0 ? page : null;
  };
  const found = await pollUntil(readNext, {
    waitMs,
    signal: doorbell.stopping ? AbortSignal.any([signal, doorbell.stopping]) : signal,
    pausesMs: doorbell.pausesMs,
    listen: doorbell.listen && ((ring) => doorbell.listen?.(channelIds, ring) ?? (() => undefined)),
  });
  return found ?? last ?? read();
}

function nullIfUnavailable(error: unknown): null {
  if (error instanceof ServiceError && error.code === "database_unavailable") return null;
  throw error;
}
