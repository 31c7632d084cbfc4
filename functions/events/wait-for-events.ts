import { ServiceError } from "#shared/errors.ts";
import { pollUntil } from "../results/poll-until.ts";
import type { EventDoorbell } from "./event-doorbell.ts";
import type { EventPage } from "./event-view.ts";

export interface WaitForEventsOptions<P> {
  /** Reads what follows a place; without one, what follows where the request begins. */
  read: (after?: P) => Promise<EventPage>;
  /** The place that a page names. */
  placeOf: (next: string) => P;
  /** 0 = reads once. */
  waitMs: number;
  /** The channels whose events are waited for; null = all. */
  channelIds: readonly string[] | null;
  doorbell: EventDoorbell;
  /** The request's: who is gone is not waited for. */
  signal: AbortSignal;
}

/**
 * The next events, or an empty page when none came in time. Rejects as the first read does; a later one that fails because
 * the database is away is made up for by the next.
 */
export async function waitForEvents<P>(options: WaitForEventsOptions<P>): Promise<EventPage> {
  const { read, placeOf, waitMs, channelIds, doorbell, signal } = options;
  if (waitMs === 0) return read();
  let last: EventPage | null = null;
  const look = async (): Promise<EventPage | null> => {
    const page: EventPage | null = last ? await read(placeOf(last.next)).catch(nullIfAway) : await read();
    last = page ?? last;
    return page && page.events.length > 0 ? page : null;
  };
  const found = await pollUntil(look, {
    waitMs,
    signal: doorbell.stopping ? AbortSignal.any([signal, doorbell.stopping]) : signal,
    pausesMs: doorbell.pausesMs,
    listen: doorbell.listen && ((ring) => doorbell.listen?.(channelIds, ring) ?? (() => undefined)),
  });
  return found ?? last ?? read();
}

function nullIfAway(error: unknown): null {
  if (error instanceof ServiceError && error.code === "database_unavailable") return null;
  throw error;
}
