import { createMiddleware } from "hono/factory";
import type { Caller } from "#shared/authentication.ts";
import type { CommandDocument } from "#shared/collections.ts";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel, hasScope } from "#shared/scopes.ts";
import type { Store } from "../store/store.ts";
import type { CallerEnv } from "./authenticate.ts";

/** Set by `findCommand` for the handlers after it. */
export interface CommandEnv {
  Variables: CallerEnv["Variables"] & { command: CommandDocument };
}

/** Finds the command in the path. Throws `command_not_found` also when the caller may not see it. */
export function findCommand(store: Pick<Store, "findCommand">) {
  return createMiddleware<CommandEnv>(async (c, next) => {
    const command = await store.findCommand(c.req.param("commandId") ?? "");
    if (!command || !maySee(c.var.caller, command)) throw new ServiceError("command_not_found");
    c.set("command", command);
    await next();
  });
}

/** A deletion outlives its channel, which exists for nobody any more: only who requested it can follow it. */
function maySee(caller: Caller, { type, channelId, keyId }: CommandDocument): boolean {
  if (type === "channel.delete") return keyId === caller.keyId || hasScope(caller, "admin");
  return coversChannel(caller, channelId);
}
