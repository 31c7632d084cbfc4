import { z } from "@hono/zod-openapi";
import type { EventDocument } from "#shared/collections.ts";
import { anyObject, timeSchema } from "../http/openapi.ts";

/** A row of the log, as far as callers see it. */
export type LoggedEvent = Pick<EventDocument, "_id" | "channelId" | "seq" | "type" | "timestamp" | "data">;

/** Events, and where to go on from. */
export interface EventPage {
  events: LoggedEvent[];
  /** As `after`, tells what follows these events; also when there are none. */
  next: string;
}

export interface ChannelEventQuery {
  channelId: string;
  /** The number of the last event before; null = from the oldest that is kept. */
  after: number | null;
  limit: number;
}

export interface EventQuery {
  /** Only these; null = all. */
  channelIds: readonly string[] | null;
  /** What `next` was; null = from the oldest that is kept. */
  after: string | null;
  limit: number;
}

/** Reading the log. What was asked for and is not kept any more is `resync_required`, with where to go on from. */
export interface LogReader {
  /** In the order of `seq`. `resync_required` has `details.seq`. */
  readChannelEvents(query: ChannelEventQuery): Promise<EventPage>;
  /**
   * Of all channels, each channel's in the order of `seq`: every event once, if each page is asked for with the `next` of
   * the one before. `resync_required` has `details.cursor`. Throws `invalid_request` for what never was a `next`.
   */
  readEvents(query: EventQuery): Promise<EventPage>;
  /** The `next` of a reader that has everything up to now. */
  presentCursor(): Promise<string>;
}

/** An event as callers see it: what webhooks and Socket.io tell is the same. */
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
