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

/** Set by `idempotent` for the handlers after it. */
export interface OnceEnv {
  Variables: CallerEnv["Variables"] & { once: Once };
}

type Route = Pick<RouteConfig, "method" | "path" | "request">;

/**
 * Lets a request be repeated under its `Idempotency-Key`. A refused request is refused again here; an accepted one
 * reaches its handler, which gets the same ids. Runs after everything that may answer 404 or 403 and after the body is
 * read, so those refusals are decided again each time. 5xx and 429 are never stored.
 */
export function idempotent(requests: KeyedRequests, route: Route) {
  return createMiddleware<OnceEnv>(async (c, next) => {
    const id = keyedRequestId(c.req, c.var.caller, route);
    if (id === null) {
      c.set("once", unkeyed);
      return next();
    }
    const hash = await requestHash(id, new URL(c.req.url).search, await bodyOf(c, route));
    const once = keyedOnce({
      requests,
      id,
      hash,
      onRepeated: () => c.header("Idempotency-Replayed", "true"),
    });
    await once.recall();
    c.set("once", once);
    await next();
    if (c.error instanceof ServiceError && isFinal(c.error)) await once.storeRefusal(c.error);
  });
}

/** Returns the id of the request; null without a key, or with an invalid one, which validation refuses. */
export function keyedRequestId(request: HonoRequest, { keyId }: Caller, route: Route): string | null {
  const key = request.header("idempotency-key");
  if (key === undefined || !isIdempotencyKey(key)) return null;
  return requestIdOf(keyId, routeOf(request, route), key);
}

/** Fills the parameters into the pattern in one spelling, so that different spellings of a path are one route. */
function routeOf(request: HonoRequest, { method, path }: Route): string {
  const resolved = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((request.param(name) ?? "").toWellFormed()),
  );
  return `${method.toUpperCase()} ${resolved}`;
}

/** A body sent to a route that takes none is ignored. */
async function bodyOf(c: Context, { request }: Route): Promise<string> {
  return request?.body ? c.req.text() : "null";
}

function isFinal({ status }: ServiceError): boolean {
  return status < 500 && status !== 429;
}
