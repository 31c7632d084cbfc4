import type { RouteConfig } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";
import { coversChannel } from "#shared/scopes.ts";
import type { Store } from "../store/store.ts";
import type { ChannelEnv } from "./find-channel.ts";
import { keyedRequestId } from "./idempotent.ts";

/** Set by `findChannelToDelete` for the handlers after it; `found` only until the channel is erased. */
export interface DeletionEnv {
  Variables: ChannelEnv["Variables"] & { isErased: boolean };
}

/**
 * Finds the channel like `findChannel`, but lets a repeated deletion under an `Idempotency-Key` pass although the channel
 * is deleted or erased.
 */
export function findChannelToDelete(
  store: Pick<Store, "findChannel" | "findDeletedChannel" | "findRequest">,
  route: Pick<RouteConfig, "method" | "path">,
) {
  return createMiddleware<DeletionEnv>(async (c, next) => {
    const channelId = c.req.param("channelId") ?? "";
    if (!coversChannel(c.var.caller, channelId)) throw new ServiceError("channel_not_found");
    const found = await store.findChannel(channelId);
    const requestId = keyedRequestId(c.req, c.var.caller, route);
    const isRepeated = !found && requestId !== null && (await store.findRequest(requestId)) !== null;
    if (!found && !isRepeated) throw new ServiceError("channel_not_found");
    const remaining = found ?? (await store.findDeletedChannel(channelId));
    c.set("isErased", remaining === null);
    if (remaining) c.set("found", remaining);
    await next();
  });
}
