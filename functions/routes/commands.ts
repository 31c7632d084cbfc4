import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import type { CommandDocument } from "../../shared/collections.ts";
import { ServiceError } from "../../shared/errors.ts";
import { coversChannel } from "../../shared/scopes.ts";
import { commandSchema, commandView } from "../command-view.ts";
import type { Dependencies } from "../dependencies.ts";
import type { CallerEnv } from "../middleware/authenticate.ts";
import { requireScope } from "../middleware/require-scope.ts";
import { json, keyRefusals, openTo, refusals } from "../openapi.ts";

interface CommandEnv {
  Variables: CallerEnv["Variables"] & { command: CommandDocument };
}

const commandAnswer = z.object({ ok: z.literal(true), payload: commandSchema });

/** What became of a command. */
export function commandRoutes({ store }: Dependencies) {
  const findCommand = createMiddleware<CommandEnv>(async (c, next) => {
    const command = await store.findCommand(c.req.param("commandId") ?? "");
    if (!command || !coversChannel(c.var.caller, command.channelId))
      throw new ServiceError("command_not_found");
    c.set("command", command);
    await next();
  });
  return new OpenAPIHono<CommandEnv>().openapi(
    createRoute({
      operationId: "getCommand",
      method: "get",
      path: "/commands/{commandId}",
      tags: ["Commands"],
      summary: "Read what became of a command",
      ...openTo("messages:read"),
      middleware: [findCommand, requireScope("messages:read")],
      request: { params: z.object({ commandId: z.string() }) },
      responses: {
        200: json(commandAnswer, "The command"),
        ...refusals(...keyRefusals, "command_not_found"),
      },
    }),
    (c) => c.json({ ok: true as const, payload: commandView(c.var.command, c.var.caller) }, 200),
  );
}
