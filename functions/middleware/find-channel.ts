import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel } from "#shared/scopes.ts";
import type { FoundChannel, Store } from "../store/store.ts";
import type { CallerEnv } from "./authenticate.ts";

/** What `findChannel` leaves for handlers. */
export interface ChannelEnv {
  Variables: CallerEnv["Variables"] & { found: FoundChannel };
}

/** Finds the channel that the path names; one that the caller's key does not cover does not exist for it. */
export function findChannel(store: Pick<Store, "findChannel">) {
  return createMiddleware<ChannelEnv>(async (c, next) => {
    const channelId = c.req.param("channelId") ?? "";
    const found = coversChannel(c.var.caller, channelId) ? await store.findChannel(channelId) : null;
    if (!found) throw new ServiceError("channel_not_found");
    c.set("found", found);
    await next();
  });
}
