import { createMiddleware } from "hono/factory";

/** Set by `requestId` for the handlers after it. */
export interface RequestEnv {
  Variables: { requestId: string };
}

const wellFormed = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Puts `X-Request-Id` on every answer: the caller's own id if it is well-formed, otherwise a new UUID. `hono/request-id`
 * does not fit: it replaces ids with a dot.
 */
export const requestId = createMiddleware<RequestEnv>(async (c, next) => {
  const given = c.req.header("x-request-id");
  const id = given && wellFormed.test(given) ? given : crypto.randomUUID();
  c.set("requestId", id);
  c.header("X-Request-Id", id);
  await next();
});
