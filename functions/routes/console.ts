import { Hono } from "hono";
import type { Asset } from "../assets.ts";
import { consoleContentPolicy } from "../middleware/security-headers.ts";

const foreverSeconds = 31_536_000;

/** The console's files, each at its path, `/index.html` at `/`. */
export function consoleRoutes(assets: ReadonlyMap<string, Asset>) {
  const routes = new Hono();
  for (const [path, { body, contentType, etag, isImmutable }] of assets) {
    routes.get(path === "/index.html" ? "/" : path, (c) => {
      c.header("ETag", etag);
      c.header("Cache-Control", isImmutable ? `public, max-age=${foreverSeconds}, immutable` : "no-cache");
      if (c.req.header("if-none-match") === etag) return c.body(null, 304);
      c.header("Content-Security-Policy", consoleContentPolicy);
      return c.body(body, 200, { "Content-Type": contentType });
    });
  }
  return routes;
}
