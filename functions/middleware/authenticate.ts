import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import { type Caller, sessionCookieName } from "#shared/authentication.ts";
import { ServiceError } from "#shared/errors.ts";
import { isFromOwnOrigin, isSafeMethod } from "../http/own-origin.ts";
import type { Authentication } from "../store/store.ts";

/** What `authenticate` leaves for handlers. */
export interface CallerEnv {
  Variables: { caller: Caller };
}

/**
 * Who calls: `X-Api-Key`, else `Authorization: Bearer`, else the console's cookie, which for anything that changes
 * something only counts on requests from our own pages. Throws `missing_api_key`, `invalid_api_key`, `expired_api_key`.
 */
export function authenticate(authentication: Authentication) {
  return createMiddleware<CallerEnv>(async (c, next) => {
    c.set("caller", await callerOf(c, authentication));
    await next();
  });
}

async function callerOf(c: Context, authentication: Authentication): Promise<Caller> {
  const key = c.req.header("x-api-key") || bearerOf(c.req.header("authorization"));
  if (key) return authentication.byKey(key);
  const cookie = getCookie(c, sessionCookieName);
  if (!cookie) throw new ServiceError("missing_api_key");
  if (!isSafeMethod(c.req.method) && !isFromOwnOrigin(c.req.raw))
    throw new ServiceError("missing_api_key", "The session cookie only counts on this origin's own pages");
  return authentication.bySession(cookie);
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
}
