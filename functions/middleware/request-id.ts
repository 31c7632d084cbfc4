import { createMiddleware } from "hono/factory";
import { requestIdOf } from "#shared/request-id.ts";

/** Set by `requestId` for the handlers after it. */
export interface RequestEnv {
  Variables: { requestId: string };
}

/**
 * Puts `X-Request-Id` on every answer: the caller's own id if it is well-formed, otherwise a new UUID. `hono/request-id`
 * does not fit: it replaces ids with a dot.
 */
export const requestId = createMiddleware<RequestEnv>(async (c, next) => {
  const id = requestIdOf(c.req.header("x-request-id"));
  c.set("requestId", id);
  c.header("X-Request-Id", id);
  await next();
});
