import { cors } from "hono/cors";

const preflightCacheSeconds = 600;

/** Lets browsers on the listed origins call with a key. The session cookie never crosses origins. */
export function crossOrigin(origins: readonly string[]) {
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowHeaders: ["Content-Type", "X-Api-Key", "Authorization", "Idempotency-Key", "Prefer"],
    exposeHeaders: ["Location", "X-Request-Id", "Idempotency-Replayed", "Preference-Applied", "Retry-After"],
    maxAge: preflightCacheSeconds,
  });
}
