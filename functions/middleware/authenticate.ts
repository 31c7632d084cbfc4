/** Handles what all requests need: caller, scope, body, idempotency, errors, headers and the access log. */

import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import { type Caller, sessionCookieName } from "#shared/authentication.ts";
import { ServiceError } from "#shared/errors.ts";
import { isFromOwnOrigin, isSafeMethod } from "../http/own-origin.ts";
import type { Authentication } from "../store/store.ts";

/** Set by `authenticate` for the handlers after it. */
export interface CallerEnv {
  Variables: { caller: Caller };
}

/**
 * Identifies the caller by `X-Api-Key`, else `Authorization: Bearer`, else the console's cookie. A request that can
 * change something may use the cookie only from our own pages. Throws `missing_api_key`, `invalid_api_key`,
 * `expired_api_key`.
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
    throw new ServiceError("missing_api_key", "The session cookie is valid only on this origin's own pages");
  return authentication.bySession(cookie);
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
}
