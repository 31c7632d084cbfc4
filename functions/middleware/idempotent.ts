import type { RouteConfig } from "@hono/zod-openapi";
import type { Context, HonoRequest } from "hono";
import { createMiddleware } from "hono/factory";
import type { Caller } from "#shared/authentication.ts";
import { ServiceError } from "#shared/errors.ts";
import {
  isIdempotencyKey,
  type KeyedRequests,
  requestHash,
  requestIdOf,
} from "../idempotency/keyed-request.ts";
import { keyedOnce, type Once, unkeyed } from "../idempotency/once.ts";
import type { CallerEnv } from "./authenticate.ts";

/** What `idempotent` leaves for handlers. */
export interface OnceEnv {
  Variables: CallerEnv["Variables"] & { once: Once };
}

type Route = Pick<RouteConfig, "method" | "path" | "request">;

/**
 * Lets a request be repeated under its `Idempotency-Key`. What was refused is refused again here; what was accepted goes
 * on to the handler, which finds the same ids. Stands behind whatever may answer 404 or 403 and behind the body: those
 * refuse anew each time. A failure of ours (5xx) and a "too many" (429) are never kept.
 */
export function idempotent(requests: KeyedRequests, route: Route) {
  return createMiddleware<OnceEnv>(async (c, next) => {
    const id = keyedRequestId(c.req, c.var.caller, route);
    if (id === null) {
      c.set("once", unkeyed);
      return next();
    }
    const hash = await requestHash(id, new URL(c.req.url).search, await bodyOf(c, route));
    const once = keyedOnce({ requests, id, hash, repeated: () => c.header("Idempotency-Replayed", "true") });
    await once.recall();
    c.set("once", once);
    await next();
    if (c.error instanceof ServiceError && isKept(c.error)) await once.keepRefusal(c.error);
  });
}

/** What the request is known by; null without a key, or with one that will be refused. */
export function keyedRequestId(request: HonoRequest, { keyId }: Caller, route: Route): string | null {
  const key = request.header("idempotency-key");
  if (key === undefined || !isIdempotencyKey(key)) return null;
  return requestIdOf(keyId, routeOf(request, route), key);
}

/** However the path was spelled. */
function routeOf(request: HonoRequest, { method, path }: Route): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => request.param(name) ?? "");
  return `${method.toUpperCase()} ${filled}`;
}

/** Whatever is sent to a route that takes none is not looked at. */
async function bodyOf(c: Context, { request }: Route): Promise<string> {
  return request?.body ? c.req.text() : "null";
}

function isKept({ status }: ServiceError): boolean {
  return status < 500 && status !== 429;
}
