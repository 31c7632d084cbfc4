import { createMiddleware } from "hono/factory";

/** What `requestId` leaves for handlers. */
export interface RequestEnv {
  Variables: { requestId: string };
}

const wellFormed = /^[A-Za-z0-9._-]{1,128}$/;

/** Every answer carries `X-Request-Id`: the caller's own when it is a sane one, else a new one. */
export const requestId = createMiddleware<RequestEnv>(async (c, next) => {
  const given = c.req.header("x-request-id");
  const id = given && wellFormed.test(given) ? given : crypto.randomUUID();
  c.set("requestId", id);
  c.header("X-Request-Id", id);
  await next();
});
