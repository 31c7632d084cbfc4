import { createMiddleware } from "hono/factory";

/** The API serves nothing that a browser should run, frame or keep. Pages set a policy of their own. */
const apiContentPolicy = "default-src 'none'; frame-ancestors 'none'";

/** The console: its own files, its own Socket.io, the QR as a data URL. Nothing from other hosts, nothing inline. */
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

/** Headers of every answer: the policy of the API unless a page set its own, and nothing is kept unless said so. */
export const securityHeaders = createMiddleware(async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Referrer-Policy", "no-referrer");
  if (!headers.has("Content-Security-Policy")) headers.set("Content-Security-Policy", apiContentPolicy);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
});
