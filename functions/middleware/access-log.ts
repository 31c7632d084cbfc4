import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { Logger } from "#shared/log.ts";
import type { RequestEnv } from "./request-id.ts";

/** One line per request. Of the address only what is known to be harmless; headers and bodies are never logged. */
export function accessLog(log: Logger) {
  return createMiddleware<RequestEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    const level = c.req.path.startsWith("/health/") ? "debug" : "info";
    log[level](
      {
        requestId: c.var.requestId,
        method: c.req.method,
        path: harmlessPath(c),
        status: c.res.status,
        durationMs: Math.round(performance.now() - startedAt),
      },
      "request",
    );
  });
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The pattern of the route, its parameters filled in where they are ids. What callers mistype may be a key or a number,
 * so a path of no route is not told.
 */
function harmlessPath(c: Context): string {
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  if (!route) return "unmatched";
  const given = c.req.path.split("/");
  const isId = (at: number) => uuid.test(given[at] ?? "");
  return route.path
    .split("/")
    .map((part, at) => (part.startsWith(":") && isId(at) ? given[at] : part))
    .join("/");
}
