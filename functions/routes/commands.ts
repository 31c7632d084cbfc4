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
import { behind } from "./channel-route.ts";
import { sendRefusals } from "./messages.ts";

const commandParameters = z.object({ commandId: z.string() });
const commandAnswer = z.object({ ok: z.literal(true), payload: commandSchema });

const reading = createRoute({
  operationId: "getCommand",
  method: "get",
  path: "/commands/{commandId}",
  tags: ["Commands"],
  summary: "Read what became of a command",
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
  summary: "Take a message back",
  ...openTo(
    "messages:send",
    "While it is queued. What is asked of the channel itself, such as connecting, cannot be taken back: ask for the " +
      "opposite instead.",
  ),
  request: { params: commandParameters, headers: idempotencyHeader },
  responses: {
    200: json(commandAnswer, "The command, cancelled: it will not be sent", keyedHeaders),
    ...refusals(...keyRefusals, ...keyedRefusals, "command_not_found", "command_not_cancellable"),
  },
});

const retrying = createRoute({
  operationId: "retryCommand",
  method: "post",
  path: "/commands/{commandId}/retry",
  tags: ["Commands"],
  summary: "Try a message again",
  ...openTo(
    "messages:send",
    "One that is `dead` or `expired`, under the same `messageId`, behind what is queued by now. Waits for the result " +
      "only if `Prefer: wait` asks for it. What is asked of the channel itself is asked for again instead.",
  ),
  request: {
    params: commandParameters,
    headers: mutationHeaders,
    body: jsonRequest(z.strictObject({})),
  },
  responses: {
    200: json(sentAnswerSchema, "WhatsApp took it", commandHeaders),
    202: json(pendingAnswerSchema, "Queued again, or sent without an answer (`unknown`)", commandHeaders),
    ...refusals(
      ...keyRefusals,
      ...bodyRefusals,
      ...keyedRefusals,
      ...sendRefusals,
      "command_not_found",
      "channel_not_found",
      "command_not_retryable",
    ),
  },
});

/** What became of a command, taking it back, and trying it again. */
export function commandRoutes(deps: Dependencies) {
  const { store } = deps;
  return new OpenAPIHono<CommandEnv & OnceEnv>({ defaultHook: invalidRequest })
    .openapi({ ...reading, middleware: [findCommand(store), ...behind(reading, store)] }, (c) =>
      c.json({ ok: true as const, payload: commandView(c.var.command, c.var.caller) }, 200),
    )
    .openapi({ ...cancelling, middleware: [findCommand(store), ...behind(cancelling, store)] }, async (c) => {
      const cancelled = await cancelSend(store, c.var);
      return c.json({ ok: true as const, payload: commandView(cancelled, c.var.caller) }, 200);
    })
    .openapi({ ...retrying, middleware: [findCommand(store), ...behind(retrying, store)] }, async (c) => {
      const answer = await retrySend(deps, c);
      return isSent(answer) ? c.json(answer, 200) : c.json(answer, 202);
    });
}
