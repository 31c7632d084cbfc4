import { createMiddleware } from "hono/factory";
import { ServiceError } from "#shared/errors.ts";
import { hasScope, type Scope } from "#shared/scopes.ts";
import type { CallerEnv } from "./authenticate.ts";

/** Throws `insufficient_scope` unless the caller has the scope. Runs after the lookups, because 404 precedes 403. */
export function requireScope(scope: Scope) {
  return createMiddleware<CallerEnv>(async (c, next) => {
    if (!hasScope(c.var.caller, scope))
      throw new ServiceError("insufficient_scope", `The API key lacks the scope ${scope}`);
    await next();
  });
}
