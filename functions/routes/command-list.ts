import { OpenAPIHono, z } from "@hono/zod-openapi";
import { commandStates, commandTypes } from "#shared/commands.ts";
import { commandCursorOf, commandCursorSchema } from "../commands/command-cursor.ts";
import { commandSchema, commandView } from "../commands/command-view.ts";
import type { Dependencies } from "../dependencies.ts";
import { listLimit } from "../http/list-cursor.ts";
import { json } from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import type { ChannelEnv } from "../middleware/find-channel.ts";
import { channelRoute, guarded } from "./channel-route.ts";

const listAnswer = z.object({
  ok: z.literal(true),
  payload: z.array(commandSchema),
  nextCursor: z.string().nullable(),
});

const listing = channelRoute({
  operationId: "listCommands",
  method: "get",
  path: "/channels/{channelId}/commands",
  tag: "Commands",
  summary: "List a channel's commands",
  description:
    "Newest first; a retried command counts as new. Commands are kept for seven days after they end. An invalid command " +
    "that another service inserted was never queued and is found only by its `commandId`.",
  scope: "messages:read",
  request: {
    query: z.strictObject({
      state: z.enum(commandStates).optional(),
      type: z.enum(commandTypes).optional(),
      limit: listLimit,
      cursor: commandCursorSchema.optional(),
    }),
  },
  responses: { 200: json(listAnswer, "Commands; `nextCursor` is null on the last page") },
  refused: ["invalid_request"],
});

/** Lists the commands of a channel. */
export function commandListRoutes({ store }: Dependencies) {
  return new OpenAPIHono<ChannelEnv>({ defaultHook: invalidRequest }).openapi(
    guarded(listing, store),
    async (c) => {
      const { state = null, type = null, limit, cursor = null } = c.req.valid("query");
      const { channelId } = c.var.found.channel;
      const { signal } = c.req.raw;
      const page = await store.listCommands({ channelId, state, type, after: cursor, limit, signal });
      const payload = page.commands.map((command) => commandView(command, c.var.caller));
      const nextCursor = page.nextPlace === null ? null : commandCursorOf(page.nextPlace);
      return c.json({ ok: true as const, payload, nextCursor }, 200);
    },
  );
}
