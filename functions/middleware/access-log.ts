import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { Logger } from "#shared/log.ts";
import type { RequestEnv } from "./request-id.ts";

/** Logs one line per request, with a path that holds no secrets; headers and bodies are never logged. */
export function accessLog(log: Logger) {
  return createMiddleware<RequestEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    const level = c.req.path.startsWith("/health/") ? "debug" : "info";
    log[level](
      {
        requestId: c.var.requestId,
        method: c.req.method,
        path: safePath(c),
        status: c.res.status,
        durationMs: Math.round(performance.now() - startedAt),
      },
      "request",
    );
  });
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Returns the pattern of the route with its UUIDs filled in. Any other text in a path may be a mistyped key or phone
 * number, so a path without a route is not logged.
 */
function safePath(c: Context): string {
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  if (!route) return "unmatched";
  const segments = c.req.path.split("/");
  const isId = (at: number) => uuid.test(segments[at] ?? "");
  return route.path
    .split("/")
    .map((segment, at) => (segment.startsWith(":") && isId(at) ? segments[at] : segment))
    .join("/");
}
