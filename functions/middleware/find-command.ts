import { createMiddleware } from "hono/factory";
import type { CommandDocument } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel } from "#shared/scopes.ts";
import type { Store } from "../store/store.ts";
import type { CallerEnv } from "./authenticate.ts";

/** What `findCommand` leaves for handlers. */
export interface CommandEnv {
  Variables: CallerEnv["Variables"] & { command: CommandDocument };
}

/** Finds the command that the path names; one of a channel that the caller's key does not cover does not exist for it. */
export function findCommand(store: Pick<Store, "findCommand">) {
  return createMiddleware<CommandEnv>(async (c, next) => {
    const command = await store.findCommand(c.req.param("commandId") ?? "");
    if (!command || !coversChannel(c.var.caller, command.channelId))
      throw new ServiceError("command_not_found");
    c.set("command", command);
    await next();
  });
}
