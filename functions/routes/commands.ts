import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { cancelSend } from "../commands/cancel-send.ts";
import { commandSchema, commandView } from "../commands/command-view.ts";
import { retrySend } from "../commands/retry-send.ts";
import { isSent, pendingAnswerSchema, sentAnswerSchema } from "../commands/send-answer.ts";
import type { Dependencies } from "../dependencies.ts";
import {
  bodyRefusals,
  commandHeaders,
  json,
  jsonRequest,
  keyedHeaders,
  keyedRefusals,
  keyRefusals,
  mutationHeaders,
  openTo,
  refusals,
} from "../http/openapi.ts";
import { invalidRequest } from "../http/validation-hook.ts";
import { idempotencyHeader } from "../idempotency/keyed-request.ts";
import { type CommandEnv, findCommand } from "../middleware/find-command.ts";
import type { OnceEnv } from "../middleware/idempotent.ts";
import { guards } from "./channel-route.ts";
import { sendRefusals } from "./messages.ts";

const commandParameters = z.object({ commandId: z.string() });
const commandAnswer = z.object({ ok: z.literal(true), payload: commandSchema });

const reading = createRoute({
  operationId: "getCommand",
  method: "get",
  path: "/commands/{commandId}",
  tags: ["Commands"],
  summary: "Get a command",
  ...openTo("messages:read"),
  request: { params: commandParameters },
  responses: {
    200: json(commandAnswer, "The command"),
    ...refusals(...keyRefusals, "command_not_found"),
  },
});

const cancelling = createRoute({
  operationId: "cancelCommand",
  method: "delete",
  path: "/commands/{commandId}",
  tags: ["Commands"],
  summary: "Cancel a message",
  ...openTo(
    "messages:send",
    "Possible while it is queued. A command to the channel itself, such as connecting, cannot be cancelled; call the " +
      "opposite instead.",
  ),
  request: { params: commandParameters, headers: idempotencyHeader },
  responses: {
    200: json(commandAnswer, "The cancelled command; the message will not be sent", keyedHeaders),
    ...refusals(...keyRefusals, ...keyedRefusals, "command_not_found", "command_not_cancellable"),
  },
});

const retrying = createRoute({
  operationId: "retryCommand",
  method: "post",
  path: "/commands/{commandId}/retry",
  tags: ["Commands"],
  summary: "Retry a message",
  ...openTo(
    "messages:send",
    "Queues a message that is `dead` or `expired` again, under the same `messageId` and behind all queued messages. Waits " +
      "for the result only with `Prefer: wait`. To repeat a command to the channel itself, call its route again.",
  ),
  request: {
    params: commandParameters,
    headers: mutationHeaders,
    body: jsonRequest(z.strictObject({})),
  },
  responses: {
    200: json(sentAnswerSchema, "WhatsApp accepted the message", commandHeaders),
    202: json(pendingAnswerSchema, "Queued again, or sent but not acknowledged (`unknown`)", commandHeaders),
    ...refusals(
      ...keyRefusals,
      ...bodyRefusals,
      ...keyedRefusals,
      ...sendRefusals,
      "command_not_found",
      "channel_not_found",
      "command_not_retryable",
      "invalid_command",
    ),
  },
});

/** Reads, cancels and retries a command. */
export function commandRoutes(deps: Dependencies) {
  const { store } = deps;
  return new OpenAPIHono<CommandEnv & OnceEnv>({ defaultHook: invalidRequest })
    .openapi({ ...reading, middleware: [findCommand(store), ...guards(reading, store)] }, (c) =>
      c.json({ ok: true as const, payload: commandView(c.var.command, c.var.caller) }, 200),
    )
    .openapi({ ...cancelling, middleware: [findCommand(store), ...guards(cancelling, store)] }, async (c) => {
      const cancelled = await cancelSend(store, c.var);
      return c.json({ ok: true as const, payload: commandView(cancelled, c.var.caller) }, 200);
    })
    .openapi({ ...retrying, middleware: [findCommand(store), ...guards(retrying, store)] }, async (c) => {
      const answer = await retrySend(deps, c);
      return isSent(answer) ? c.json(answer, 200) : c.json(answer, 202);
    });
}
