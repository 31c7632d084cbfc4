import { createMiddleware } from "hono/factory";

/** The API serves nothing that a browser should run or frame. Pages set a policy of their own. */
const apiContentPolicy = "default-src 'none'; frame-ancestors 'none'";

/** The console uses its own files, its own Socket.io and the QR code as a data URL: no other hosts, nothing inline. */
export const consoleContentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Sets the security headers of every answer; a route may set its own `Content-Security-Policy` and `Cache-Control`. */
export const securityHeaders = createMiddleware(async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  headers.set("Referrer-Policy", "no-referrer");
  if (!headers.has("Content-Security-Policy")) headers.set("Content-Security-Policy", apiContentPolicy);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
});
