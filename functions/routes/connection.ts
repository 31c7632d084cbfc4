import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { channelStatuses } from "../../shared/channel.ts";
import { commandTable } from "../../shared/commands.ts";
import { ServiceError } from "../../shared/errors.ts";
import { answered } from "../answered.ts";
import type { Dependencies } from "../dependencies.ts";
import { type ChannelEnv, findChannel } from "../middleware/find-channel.ts";
import { jsonBody } from "../middleware/json-body.ts";
import { requireScope } from "../middleware/require-scope.ts";
import { carryOut } from "../mutation.ts";
import {
  bodyRefusals,
  channelParameters,
  json,
  jsonRequest,
  keyRefusals,
  openTo,
  preferHeader,
  refusals,
} from "../openapi.ts";
import { queued, queuedAnswer } from "../queued-answer.ts";
import { invalidRequest } from "../validation-hook.ts";

const nothing = z.strictObject({});
const statusSchema = z.enum(channelStatuses);

const controlAnswer = z.object({
  ok: z.literal(true),
  message: z.string(),
  channelId: z.string(),
  status: statusSchema,
});

const deletedAnswer = z.object({ ok: z.literal(true), payload: z.object({ channelId: z.string() }) });

/** Connecting, disconnecting, logging out and deleting: the wish is stored first, then a connector is asked. */
export function connectionRoutes(deps: Dependencies) {
  const { store } = deps;
  const write = [findChannel(store), requireScope("channels:write")];
  const control = {
    request: { params: channelParameters, headers: preferHeader, body: jsonRequest(nothing) },
    middleware: [...write, jsonBody],
  };
  const refused = refusals(...keyRefusals, ...bodyRefusals, "channel_not_found");

  return new OpenAPIHono<ChannelEnv>({ defaultHook: invalidRequest })
    .openapi(
      createRoute({
        method: "post",
        path: "/channels/{channelId}/connect",
        tags: ["Connection"],
        summary: "Connect",
        ...control,
        ...openTo(
          "channels:write",
          "By the stored link, else by QR, or by a pairing code if a number is given.",
        ),
        request: { ...control.request, body: jsonRequest(commandTable["channel.connect"].payload) },
        responses: {
          202: json(controlAnswer, "Under way; `status` is the present one"),
          ...refused,
          ...refusals("pairing_rate_limited"),
        },
      }),
      async (c) => {
        const payload = c.req.valid("json");
        const { channelId } = c.var.found.channel;
        await store.setWish(channelId, "connected");
        const outcome = answered(await carryOut(deps, c, { type: "channel.connect", payload }));
        const status = outcome.state === "succeeded" ? statusOf(outcome.result) : "connecting";
        return c.json({ ok: true as const, message: "Connection initiated", channelId, status }, 202);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/channels/{channelId}/disconnect",
        tags: ["Connection"],
        summary: "Disconnect",
        ...control,
        ...openTo("channels:write", "The link to the phone is kept."),
        responses: {
          200: json(controlAnswer, "Disconnected"),
          202: json(queuedAnswer, "Not carried out yet"),
          ...refused,
        },
      }),
      async (c) => {
        const { channelId } = c.var.found.channel;
        await store.setWish(channelId, "disconnected");
        const accepted = await carryOut(deps, c, { type: "channel.disconnect", payload: {} });
        const outcome = answered(accepted);
        if (outcome.state !== "succeeded")
          return c.json(queued("Disconnection queued", channelId, accepted.commandId), 202);
        const status = statusOf(outcome.result);
        return c.json({ ok: true as const, message: "Channel disconnected", channelId, status }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/channels/{channelId}/logout",
        tags: ["Connection"],
        summary: "Log out",
        ...control,
        ...openTo("channels:write", "Unlinks the phone and erases the credentials."),
        responses: {
          200: json(controlAnswer, "Logged out"),
          202: json(queuedAnswer, "Not carried out yet"),
          ...refused,
        },
      }),
      async (c) => {
        const { channelId } = c.var.found.channel;
        await store.setWish(channelId, "disconnected");
        const accepted = await carryOut(deps, c, { type: "channel.logout", payload: {} });
        const outcome = answered(accepted);
        if (outcome.state !== "succeeded")
          return c.json(queued("Logout queued", channelId, accepted.commandId), 202);
        const status = statusOf(outcome.result);
        return c.json({ ok: true as const, message: "Channel logged out", channelId, status }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "delete",
        path: "/channels/{channelId}",
        tags: ["Channels"],
        summary: "Delete a channel",
        ...openTo(
          "channels:write",
          "Logs out and erases everything. It is gone at once, whatever the answer.",
        ),
        middleware: write,
        request: { params: channelParameters, headers: preferHeader },
        responses: {
          200: json(deletedAnswer, "Erased"),
          202: json(queuedAnswer, "A connector will erase it"),
          ...refusals(...keyRefusals, "channel_not_found"),
        },
      }),
      async (c) => {
        const { channelId } = c.var.found.channel;
        if (!(await store.markDeleted(channelId))) throw new ServiceError("channel_not_found");
        const accepted = await carryOut(deps, c, { type: "channel.delete", payload: {} });
        const isGone = accepted.outcome?.state === "gone" || answered(accepted).state === "succeeded";
        if (!isGone) return c.json(queued("Deletion queued", channelId, accepted.commandId), 202);
        return c.json({ ok: true as const, payload: { channelId } }, 200);
      },
    );
}

/** What the connector says; a result without a status is a bug of the connector's. */
function statusOf(result: object) {
  return statusSchema.parse("status" in result ? result.status : undefined);
}
