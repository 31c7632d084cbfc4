import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { channelStatuses } from "#shared/channel.ts";
import { commandTable } from "#shared/commands.ts";
import { commandAnswer } from "../commands/command-answer.ts";
import { queuedAnswer, queuedAnswerSchema } from "../commands/queued-answer.ts";
import { type CommandRequestEnv, submitCommand } from "../commands/submit-command.ts";
import type { Dependencies } from "../dependencies.ts";
import { commandHeaders, json, jsonRequest, mutationHeaders } from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { channelRoute, guarded } from "./channel-route.ts";

const nothing = z.strictObject({});
const statusSchema = z.enum(channelStatuses);

const controlAnswer = z.object({
  ok: z.literal(true),
  message: z.string(),
  channelId: z.string(),
  status: statusSchema,
});

const connecting = channelRoute({
  operationId: "connectChannel",
  method: "post",
  path: "/channels/{channelId}/connect",
  tag: "Connection",
  summary: "Connect a channel",
  description:
    "Uses the stored link if the channel has one; otherwise a QR code, or a pairing code when a number is given. Ends a wait " +
    "for `retryAt`.",
  scope: "channels:write",
  request: { headers: mutationHeaders, body: jsonRequest(commandTable["channel.connect"].payload) },
  responses: { 202: json(controlAnswer, "Connecting; `status` is the current one", commandHeaders) },
  refused: ["pairing_rate_limited"],
});

const disconnecting = channelRoute({
  operationId: "disconnectChannel",
  method: "post",
  path: "/channels/{channelId}/disconnect",
  tag: "Connection",
  summary: "Disconnect a channel",
  description: "Keeps the link to the phone.",
  scope: "channels:write",
  request: { headers: mutationHeaders, body: jsonRequest(nothing) },
  responses: {
    200: json(controlAnswer, "Disconnected", commandHeaders),
    202: json(queuedAnswerSchema, "Queued; not executed yet", commandHeaders),
  },
});

const loggingOut = channelRoute({
  operationId: "logOutChannel",
  method: "post",
  path: "/channels/{channelId}/logout",
  tag: "Connection",
  summary: "Log out a channel",
  description:
    "Removes the device from the phone, and erases the credentials once WhatsApp has confirmed that. Until then the channel is " +
    "`connecting` with reason `unlinking`, and the removal is repeated on new connections, for at most 24 hours; if WhatsApp " +
    "never confirms it, the link is kept. Waits for 5 s unless `Prefer` says otherwise.",
  scope: "channels:write",
  request: { headers: mutationHeaders, body: jsonRequest(nothing) },
  responses: {
    200: json(controlAnswer, "Logged out; WhatsApp has confirmed it", commandHeaders),
    202: json(queuedAnswerSchema, "Not confirmed by WhatsApp yet", commandHeaders),
  },
  refused: ["expired"],
});

/** Connects, disconnects and logs out: stores the wish first, then submits the command. */
export function connectionRoutes(deps: Dependencies) {
  const { store } = deps;
  return new OpenAPIHono<CommandRequestEnv>({ defaultHook: invalidRequest })
    .openapi(guarded(connecting, store), async (c) => {
      const payload = c.req.valid("json");
      const { channelId } = c.var.found.channel;
      const prepare = () => store.setWish(channelId, "connected");
      const outcome = commandAnswer(
        await submitCommand(deps, c, { type: "channel.connect", payload, prepare }),
      );
      const status = outcome.state === "succeeded" ? statusOf(outcome.result) : "connecting";
      return c.json({ ok: true as const, message: "Connection initiated", channelId, status }, 202);
    })
    .openapi(guarded(disconnecting, store), (c) => endConnection(deps, c, "channel.disconnect"))
    .openapi(guarded(loggingOut, store), (c) => endConnection(deps, c, "channel.logout"));
}

const endMessages = {
  "channel.disconnect": { done: "Channel disconnected", queued: "Disconnection queued" },
  "channel.logout": { done: "Channel logged out", queued: "Logout queued" },
};

async function endConnection(
  deps: Dependencies,
  c: Context<CommandRequestEnv>,
  type: keyof typeof endMessages,
) {
  const messages = endMessages[type];
  const { channelId } = c.var.found.channel;
  const prepare = () => deps.store.setWish(channelId, "disconnected");
  const accepted = await submitCommand(deps, c, { type, payload: {}, prepare });
  const outcome = commandAnswer(accepted);
  if (outcome.state !== "succeeded")
    return c.json(queuedAnswer(messages.queued, channelId, accepted.commandId), 202);
  const status = statusOf(outcome.result);
  return c.json({ ok: true as const, message: messages.done, channelId, status }, 200);
}

/** Reads the status that the connector answered; its absence is a bug in the connector. */
function statusOf(result: object) {
  return statusSchema.parse("status" in result ? result.status : undefined);
}
