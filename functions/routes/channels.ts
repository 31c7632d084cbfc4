import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { channelStatuses, createChannelSchema, updateChannelSchema } from "#shared/channel.ts";
import {
  channelSchema,
  channelStatusSchema,
  channelStatusView,
  channelView,
} from "../channels/channel-view.ts";
import { createChannel } from "../channels/create-channel.ts";
import { updateChannel } from "../channels/update-channel.ts";
import type { Dependencies } from "../dependencies.ts";
import { cursorOf, cursorSchema, listLimit } from "../http/list-cursor.ts";
import {
  apiPrefix,
  bodyRefusals,
  json,
  jsonRequest,
  keyedHeaders,
  keyedRefusals,
  keyRefusals,
  locationHeader,
  openTo,
  refusals,
} from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { idempotencyHeader } from "../idempotency/keyed-request.ts";
import type { ChannelEnv } from "../middleware/find-channel.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import { requireScope } from "../middleware/require-scope.ts";
import { channelRoute, guarded, guards } from "./channel-route.ts";

const channelAnswer = z.object({ ok: z.literal(true), payload: channelSchema });
const statusAnswer = z.object({ ok: z.literal(true), payload: channelStatusSchema });
const listAnswer = z.object({
  ok: z.literal(true),
  payload: z.array(channelSchema),
  nextCursor: z.string().nullable(),
});

const listQuery = z.strictObject({
  status: z.enum(channelStatuses).optional(),
  limit: listLimit,
  cursor: cursorSchema.optional(),
});

const creating = createRoute({
  operationId: "createChannel",
  method: "post",
  path: "/channels",
  tags: ["Channels"],
  summary: "Create a channel",
  ...openTo("channels:write"),
  request: { headers: idempotencyHeader, body: jsonRequest(createChannelSchema) },
  responses: {
    201: json(channelAnswer, "The channel, inactive; `Location` is its URL", {
      ...locationHeader,
      ...keyedHeaders,
    }),
    ...refusals(...keyRefusals, ...bodyRefusals, ...keyedRefusals),
  },
});

const listing = createRoute({
  operationId: "listChannels",
  method: "get",
  path: "/channels",
  tags: ["Channels"],
  summary: "List channels",
  ...openTo("channels:read"),
  middleware: requireScope("channels:read"),
  request: { query: listQuery },
  responses: {
    200: json(listAnswer, "Channels; `nextCursor` is null on the last page"),
    ...refusals(...keyRefusals, "invalid_request"),
  },
});

const reading = channelRoute({
  operationId: "getChannel",
  method: "get",
  path: "/channels/{channelId}",
  tag: "Channels",
  summary: "Get a channel",
  scope: "channels:read",
  request: {},
  responses: { 200: json(channelAnswer, "The channel") },
});

const readingStatus = channelRoute({
  operationId: "getChannelStatus",
  method: "get",
  path: "/channels/{channelId}/status",
  tag: "Channels",
  summary: "Get a channel's status",
  scope: "channels:read",
  request: {},
  responses: { 200: json(statusAnswer, "The status") },
});

const changing = channelRoute({
  operationId: "updateChannel",
  method: "patch",
  path: "/channels/{channelId}",
  tag: "Channels",
  summary: "Update a channel's name or metadata",
  scope: "channels:write",
  request: { headers: idempotencyHeader, body: jsonRequest(updateChannelSchema) },
  responses: { 200: json(channelAnswer, "The changed channel", keyedHeaders) },
});

/** Creates, lists, reads and updates channels. All of it is rows in the database; no connector is involved. */
export function channelRoutes({ store }: Dependencies) {
  return new OpenAPIHono<ChannelEnv & OnceEnv>({ defaultHook: invalidRequest })
    .openapi({ ...creating, middleware: guards(creating, store) }, async (c) => {
      const channel = await createChannel(store, c.var, c.req.valid("json"));
      c.header("Location", `${apiPrefix}/channels/${encodeURIComponent(channel.channelId)}`);
      return c.json({ ok: true as const, payload: channelView(channel) }, 201);
    })
    .openapi(listing, async (c) => {
      const { status = null, limit, cursor = null } = c.req.valid("query");
      const { channels: channelIds } = c.var.caller;
      const channels = await store.listChannels({
        ...{ channelIds, status, after: cursor, limit: limit + 1 },
        signal: c.req.raw.signal,
      });
      const page = channels.slice(0, limit);
      const last = channels.length > limit ? page.at(-1) : undefined;
      const nextCursor = last ? cursorOf(last.channelId) : null;
      return c.json({ ok: true as const, payload: page.map(channelView), nextCursor }, 200);
    })
    .openapi(guarded(reading, store), (c) =>
      c.json({ ok: true as const, payload: channelView(c.var.found.channel) }, 200),
    )
    .openapi(guarded(readingStatus, store), (c) =>
      c.json({ ok: true as const, payload: channelStatusView(c.var.found.channel) }, 200),
    )
    .openapi(guarded(changing, store), async (c) => {
      const { name, metadata } = c.req.valid("json");
      const changes = { ...(name !== undefined && { name }), ...(metadata && { metadata }) };
      const channel = await updateChannel(store, c.var, changes);
      return c.json({ ok: true as const, payload: channelView(channel) }, 200);
    });
}
