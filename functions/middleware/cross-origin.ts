import { cors } from "hono/cors";

const preflightSecondsKept = 600;

/** Browsers on the listed origins may call with a key; the session cookie never travels across origins. */
export function crossOrigin(origins: readonly string[]) {
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowHeaders: ["Content-Type", "X-Api-Key", "Authorization", "Idempotency-Key", "Prefer"],
    exposeHeaders: ["Location", "X-Request-Id", "Idempotency-Replayed", "Preference-Applied", "Retry-After"],
    maxAge: preflightSecondsKept,
  });
}
