import { ServiceError } from "#shared/errors.ts";
import { lookUntil } from "../results/look-until.ts";
import type { EventBell } from "./event-bell.ts";
import type { EventPage } from "./logged-event.ts";

export interface AwaitingOptions<P> {
  /** Reads what follows a place; without one, what follows where the request begins. */
  read: (after?: P) => Promise<EventPage>;
  /** The place that a page names. */
  placeOf: (next: string) => P;
  /** 0 = reads once. */
  waitMs: number;
  /** The channels whose events are waited for; null = all. */
  channelIds: readonly string[] | null;
  bell: EventBell;
  /** The request's: who is gone is not waited for. */
  signal: AbortSignal;
}

/**
 * The next events, or an empty page when none came in time. Rejects as the first read does; a later one that fails because
 * the database is away is made up for by the next.
 */
export async function awaitedEvents<P>(options: AwaitingOptions<P>): Promise<EventPage> {
  const { read, placeOf, waitMs, channelIds, bell, signal } = options;
  if (waitMs === 0) return read();
  let last: EventPage | null = null;
  const look = async (): Promise<EventPage | null> => {
    const page: EventPage | null = last ? await read(placeOf(last.next)).catch(nullIfAway) : await read();
    last = page ?? last;
    return page && page.events.length > 0 ? page : null;
  };
  const found = await lookUntil(look, {
    waitMs,
    signal: bell.stopping ? AbortSignal.any([signal, bell.stopping]) : signal,
    pausesMs: bell.pausesMs,
    listen: bell.listen && ((ring) => bell.listen?.(channelIds, ring) ?? (() => undefined)),
  });
  return found ?? last ?? read();
}

function nullIfAway(error: unknown): null {
  if (error instanceof ServiceError && error.code === "database_unavailable") return null;
  throw error;
}
