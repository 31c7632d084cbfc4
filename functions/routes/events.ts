import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Dependencies } from "../dependencies.ts";
import { silentDoorbell } from "../events/event-doorbell.ts";
import { type EventPage, eventSchema, eventView } from "../events/event-view.ts";
import { type WaitForEventsOptions, waitForEvents } from "../events/wait-for-events.ts";
import { limitUpTo } from "../http/list-cursor.ts";
import { json, keyRefusals, openTo, preferenceHeader, preferHeader, refusals } from "../http/openapi.ts";
import { waitPreference } from "../http/prefer-header.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import type { CallerEnv } from "../middleware/authenticate.ts";
import type { ChannelEnv } from "../middleware/find-channel.ts";
import { channelRoute, guarded, guards } from "./channel-route.ts";

const limit = limitUpTo(1_000);

const eventsAnswer = z.object({
  ok: z.literal(true),
  payload: z.array(eventSchema),
  nextCursor: z.string(),
});

const answers = {
  200: json(
    eventsAnswer,
    "Events, or none; `nextCursor` is always set and is the `after` of the next call",
    preferenceHeader,
  ),
};

const seqSchema = z
  .string()
  .regex(/^\d{1,15}$/, "must be the seq of an event")
  .transform(Number);

const listing = channelRoute({
  operationId: "listChannelEvents",
  method: "get",
  path: "/channels/{channelId}/events",
  tag: "Events",
  summary: "List a channel's events",
  description:
    "Oldest first, after the event with the number `after`; without `after`, from the oldest event retained. " +
    "A page of large events has fewer than `limit`. `Prefer: wait=N` waits when there are none yet. 410 when the " +
    "events after `after` are no longer retained: resume from `details.seq`.",
  scope: "events:read",
  request: { query: z.strictObject({ after: seqSchema.optional(), limit }), headers: preferHeader },
  responses: answers,
  refused: ["invalid_request", "resync_required"],
});

const listingAll = createRoute({
  operationId: "listEvents",
  method: "get",
  path: "/events",
  tags: ["Events"],
  summary: "List the events of all channels",
  ...openTo(
    "events:read",
    "Of all channels the key covers, in the order of `seq` within each channel. `after` is the `nextCursor` of the " +
      "previous call; without `after`, from the oldest event retained; `after=now` skips all existing events. " +
      "A page of large events has fewer than `limit`. " +
      "`Prefer: wait=N` waits when there are none yet. 410 when the events after `after` are no longer retained: resume " +
      "from `details.cursor`.",
  ),
  request: {
    query: z.strictObject({ after: z.string().min(1).max(10_000).optional(), limit }),
    headers: preferHeader,
  },
  responses: { ...answers, ...refusals(...keyRefusals, "invalid_request", "resync_required") },
});

/** Reads the event log, and waits for new events on request. */
export function eventRoutes({ store, eventDoorbell = silentDoorbell }: Dependencies) {
  const answer = async <P>(
    c: Context,
    options: Omit<WaitForEventsOptions<P>, "doorbell" | "signal" | "waitMs">,
  ) => {
    const preference = waitPreference(c.req.header("prefer"));
    const { signal } = c.req.raw;
    const waitMs = preference?.waitMs ?? 0;
    const page = await waitForEvents({ ...options, waitMs, doorbell: eventDoorbell, signal });
    if (preference) c.header("Preference-Applied", preference.applied);
    return eventsAnswerOf(page);
  };
  return new OpenAPIHono<ChannelEnv & CallerEnv>({ defaultHook: invalidRequest })
    .openapi(guarded(listing, store), async (c) => {
      const { after: begin = null, limit: rows } = c.req.valid("query");
      const { channelId } = c.var.found.channel;
      const read = (after: number | null = begin) =>
        store.readChannelEvents({ channelId, after, limit: rows, signal: c.req.raw.signal });
      return c.json(await answer(c, { read, placeOf: Number, channelIds: [channelId] }), 200);
    })
    .openapi({ ...listingAll, middleware: guards(listingAll, store) }, async (c) => {
      const { after, limit: rows } = c.req.valid("query");
      const { channels: channelIds } = c.var.caller;
      const begin = after === "now" ? await store.presentCursor() : (after ?? null);
      const read = (place: string | null = begin) =>
        store.readEvents({ channelIds, after: place, limit: rows, signal: c.req.raw.signal });
      return c.json(await answer(c, { read, placeOf: String, channelIds }), 200);
    });
}

function eventsAnswerOf({ events, next }: EventPage): z.output<typeof eventsAnswer> {
  return { ok: true, payload: events.map(eventView), nextCursor: next };
}
