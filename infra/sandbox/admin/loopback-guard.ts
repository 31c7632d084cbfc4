import type { MiddlewareHandler } from "hono";
import { isLoopbackHost } from "../server/upgrade-guard.ts";
import { AdminError } from "./errors.ts";

const safeMethods = new Set(["GET", "HEAD"]);

/**
 * Keeps other web pages out of an API without a password.
 *
 * `Host` gives away a page whose name resolves to 127.0.0.1 (DNS rebinding). `Origin` gives away a page of another
 * origin that posts here; when the browser omits it, the content type does.
 */
export const guard: MiddlewareHandler = async (c, next) => {
  const host = c.req.header("host") ?? "";
  if (!isLoopbackHost(host)) {
    throw new AdminError("forbidden", "The sandbox answers on localhost, 127.0.0.1 and [::1] only.");
  }
  if (!safeMethods.has(c.req.method)) {
    const origin = c.req.header("origin");
    if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase()) {
      throw new AdminError("forbidden", "Other web pages may not change the sandbox.");
    }
    const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
    if (type !== "application/json") {
      throw new AdminError("unsupported_media_type", "Send JSON, with `Content-Type: application/json`.");
    }
  }
  await next();
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Cache-Control", "no-store");
  c.header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'");
  c.header("Referrer-Policy", "no-referrer");
};
