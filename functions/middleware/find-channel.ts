import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel } from "#shared/scopes.ts";
import type { CommandTarget, FoundChannel } from "../store/store.ts";
import type { CallerEnv } from "./authenticate.ts";

/** Set by `findChannel` for the handlers after it. */
export interface ChannelEnv {
  Variables: CallerEnv["Variables"] & { found: FoundChannel };
}

/** As `ChannelEnv`, for a handler that only writes a command. */
export interface TargetEnv {
  Variables: CallerEnv["Variables"] & { found: CommandTarget };
}

/** The lookup of a `Store`, or one that finds less. */
export interface ChannelLookup {
  findChannel(channelId: string): Promise<CommandTarget | null>;
}

/** Finds the channel in the path. Throws `channel_not_found` also for a channel that the caller's key does not cover. */
export function findChannel(store: ChannelLookup) {
  return createMiddleware<TargetEnv>(async (c, next) => {
    const channelId = c.req.param("channelId") ?? "";
    const found = coversChannel(c.var.caller, channelId) ? await store.findChannel(channelId) : null;
    if (!found) throw new ServiceError("channel_not_found");
    c.set("found", found);
    await next();
  });
}
