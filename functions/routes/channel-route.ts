import { createRoute, type RouteConfig } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { ErrorCode } from "#shared/errors.ts";
import type { Scope } from "#shared/scopes.ts";
import {
  bodyRefusals,
  channelParameters,
  keyedRefusals,
  keyRefusals,
  openTo,
  refusals,
} from "../http/openapi.ts";
import type { KeyedRequests } from "../idempotency/keyed-request.ts";
import { findChannel } from "../middleware/find-channel.ts";
import { idempotent } from "../middleware/idempotent.ts";
import { jsonBody } from "../middleware/json-body.ts";
import { requireScope } from "../middleware/require-scope.ts";
import type { Store } from "../store/store.ts";

type Request = Pick<NonNullable<RouteConfig["request"]>, "headers" | "body" | "query">;

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
      ...refusals(
        ...keyRefusals,
        ...(request.body ? bodyRefusals : []),
        ...(isRepeatable({ method }) ? keyedRefusals : []),
        "channel_not_found",
        ...refused,
      ),
    },
  });
}

/** The route behind what stands before its handler: the channel is found, and whatever `behind` says. */
export function guarded<R extends GuardedRoute>(
  route: R,
  store: Pick<Store, "findChannel"> & KeyedRequests,
): R {
  return { ...route, middleware: [findChannel(store), ...behind(route, store)] };
}

type GuardedRoute = RouteConfig & { "x-scope": Scope };

/** Behind what is looked for: the scope is asked for, a body read, and a repeated request recognised. */
export function behind(route: GuardedRoute, requests: KeyedRequests): MiddlewareHandler[] {
  return [
    requireScope(route["x-scope"]),
    ...(route.request?.body ? [jsonBody] : []),
    ...(isRepeatable(route) ? [idempotent(requests, route)] : []),
  ];
}

/** Whether an `Idempotency-Key` counts: reading changes nothing, and PATCH twice is as good as once. */
function isRepeatable({ method }: Pick<RouteConfig, "method">): boolean {
  return method === "post" || method === "delete";
}
