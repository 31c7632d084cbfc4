/** Describes every HTTP call for the OpenAPI document and handles it. */

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
import { type ChannelLookup, findChannel } from "../middleware/find-channel.ts";
import { idempotent } from "../middleware/idempotent.ts";
import { jsonBody } from "../middleware/json-body.ts";
import { requireScope } from "../middleware/require-scope.ts";

type Request = Pick<NonNullable<RouteConfig["request"]>, "headers" | "body" | "query" | "params">;

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
  /** Error codes besides those that every call on a channel can answer. */
  refused?: readonly ErrorCode[];
}

/** Describes a call on the channel that its path names, and adds what all such calls have in common. */
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
        ...(takesIdempotencyKey({ method }) ? keyedRefusals : []),
        "channel_not_found",
        ...refused,
      ),
    },
  });
}

/** Adds the middleware of a call on a channel to its route: finds the channel, then `guards`. */
export function guarded<R extends GuardedRoute>(route: R, store: ChannelLookup & KeyedRequests): R {
  return { ...route, middleware: [findChannel(store), ...guards(route, store)] };
}

type GuardedRoute = RouteConfig & { "x-scope": Scope };

/** The middleware after the lookup: checks the scope, reads a body and recognises a repeated request. */
export function guards(route: GuardedRoute, requests: KeyedRequests): MiddlewareHandler[] {
  return [
    requireScope(route["x-scope"]),
    ...(route.request?.body ? [jsonBody()] : []),
    ...(takesIdempotencyKey(route) ? [idempotent(requests, route)] : []),
  ];
}

/** Whether the call changes something, so that an `Idempotency-Key` matters. */
function takesIdempotencyKey({ method }: Pick<RouteConfig, "method">): boolean {
  return changingMethods.has(method);
}

const changingMethods = new Set(["post", "put", "patch", "delete"]);
