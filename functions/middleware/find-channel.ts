import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel } from "#shared/scopes.ts";
import type { FoundChannel, Store } from "../store/store.ts";
import type { CallerEnv } from "./authenticate.ts";

/** Set by `findChannel` for the handlers after it. */
export interface ChannelEnv {
  Variables: CallerEnv["Variables"] & { found: FoundChannel };
}

/** Finds the channel in the path. Throws `channel_not_found` also for a channel that the caller's key does not cover. */
export function findChannel(store: Pick<Store, "findChannel">) {
  return createMiddleware<ChannelEnv>(async (c, next) => {
    const channelId = c.req.param("channelId") ?? "";
    const found = coversChannel(c.var.caller, channelId) ? await store.findChannel(channelId) : null;
    if (!found) throw new ServiceError("channel_not_found");
    c.set("found", found);
    await next();
  });
}
