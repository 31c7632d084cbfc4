import { createRoute, type RouteConfig } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { ErrorCode } from "../../shared/errors.ts";
import type { Scope } from "../../shared/scopes.ts";
import { findChannel } from "../middleware/find-channel.ts";
import { jsonBody } from "../middleware/json-body.ts";
import { requireScope } from "../middleware/require-scope.ts";
import { bodyRefusals, channelParameters, keyRefusals, openTo, refusals } from "../openapi.ts";
import type { Store } from "../store.ts";

type Request = Pick<NonNullable<RouteConfig["request"]>, "headers" | "body">;

interface ChannelCall<M, P, Q, R> {
  operationId: string;
  method: M;
  path: P;
  tag: string;
  summary: string;
  description?: string;
  scope: Scope;
  request: Q;
  responses: R;
  /** Beside what any call on a channel may be refused for. */
  refused?: readonly ErrorCode[];
}

/** Describes a call on the channel that its path names, `…/{channelId}…`: what all of them have in common is added. */
export function channelRoute<
  M extends RouteConfig["method"],
  P extends `/channels/{channelId}${string}`,
  Q extends Request,
  R extends RouteConfig["responses"],
>({
  operationId,
  method,
  path,
  tag,
  summary,
  description,
  scope,
  request,
  responses,
  refused = [],
}: ChannelCall<M, P, Q, R>) {
  return createRoute({
    operationId,
    method,
    path,
    tags: [tag],
    summary,
    ...openTo(scope, description),
    request: { params: channelParameters, ...request },
    responses: {
      ...responses,
      ...refusals(...keyRefusals, ...(request.body ? bodyRefusals : []), "channel_not_found", ...refused),
    },
  });
}

/** The route behind what stands before its handler: the channel is found, the scope asked for, a body read. */
export function guarded<R extends RouteConfig & { "x-scope": Scope }>(
  route: R,
  store: Pick<Store, "findChannel">,
): R {
  const before: MiddlewareHandler[] = [findChannel(store), requireScope(route["x-scope"])];
  return { ...route, middleware: route.request?.body ? [...before, jsonBody] : before };
}
