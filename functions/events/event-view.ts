import { z } from "@hono/zod-openapi";
import type { EventDocument } from "#shared/collections.ts";
import { anyObject, timeSchema } from "../http/openapi.ts";

/** The part of a row of the log that callers see. */
export type LoggedEvent = Pick<EventDocument, "_id" | "channelId" | "seq" | "type" | "timestamp" | "data">;

/** A query that can take long. */
export interface LongRead {
  /** Aborts when the request that waits for it has ended; the database then ends the query too. */
  signal: AbortSignal;
}

/** A page of events and the cursor after it. */
export interface EventPage {
  events: LoggedEvent[];
  /** The `after` of the next page; also set when the page is empty. */
  next: string;
}

export interface ChannelEventQuery extends LongRead {
  channelId: string;
  /** The `seq` of the last event read; null = from the oldest event retained. */
  after: number | null;
  limit: number;
}

export interface EventQuery extends LongRead {
  /** Only these; null = all. */
  channelIds: readonly string[] | null;
  /** The `next` of the page before; null = from the oldest event retained. */
  after: string | null;
  limit: number;
}

/** Reads the log. Throws `resync_required`, with details to resume from, when the events are no longer retained. */
export interface LogReader {
  /** In the order of `seq`. `resync_required` has `details.seq`. */
  readChannelEvents(query: ChannelEventQuery): Promise<EventPage>;
  /**
   * Across channels, in the order of `seq` within each channel: returns every event once if each query has the `next` of
   * the page before. `resync_required` has `details.cursor`. Throws `invalid_request` for text that never was a `next`.
   */
  readEvents(query: EventQuery): Promise<EventPage>;
  /** Returns the `next` of a reader that has read everything up to now. */
  presentCursor(): Promise<string>;
}

/** An event as callers see it; Socket.io sends the same content. */
export const eventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    channelId: z.string(),
    seq: z.number().int(),
    timestamp: timeSchema,
    data: anyObject,
  })
  .openapi("Event");

export function eventView(event: LoggedEvent): z.output<typeof eventSchema> {
  const { _id, type, channelId, seq, timestamp, data } = event;
  return { id: _id, type, channelId, seq, timestamp: timestamp.toISOString(), data };
}
