import { createMiddleware } from "hono/factory";
import type { Logger } from "../../shared/log.ts";
import type { RequestEnv } from "./request-id.ts";

/** One line per request. The path has no more than ids in it; query, headers and bodies are never logged. */
export function accessLog(log: Logger) {
  return createMiddleware<RequestEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    const level = c.req.path.startsWith("/health/") ? "debug" : "info";
    log[level](
      {
        requestId: c.var.requestId,
        method: c.req.method,
        path: c.req.path.slice(0, 200),
        status: c.res.status,
        durationMs: Math.round(performance.now() - startedAt),
      },
      "request",
    );
  });
}
