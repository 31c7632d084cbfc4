import { createMiddleware } from "hono/factory";
import type { CommandDocument } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel } from "#shared/scopes.ts";
import type { Store } from "../store/store.ts";
import type { CallerEnv } from "./authenticate.ts";

/** Set by `findCommand` for the handlers after it. */
export interface CommandEnv {
  Variables: CallerEnv["Variables"] & { command: CommandDocument };
}

/** Finds the command in the path. Throws `command_not_found` also when the caller's key does not cover its channel. */
export function findCommand(store: Pick<Store, "findCommand">) {
  return createMiddleware<CommandEnv>(async (c, next) => {
    const command = await store.findCommand(c.req.param("commandId") ?? "");
    if (!command || !coversChannel(c.var.caller, command.channelId))
      throw new ServiceError("command_not_found");
    c.set("command", command);
    await next();
  });
}
