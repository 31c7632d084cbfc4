import { Hono } from "hono";
import type { Dependencies } from "../dependencies.ts";
import { consoleContentPolicy } from "../middleware/security-headers.ts";
import { apiVersion } from "./documents.ts";

const foreverSeconds = 31_536_000;

/** The console's files, each at its path, `/index.html` at `/`; and what the page has to know before anybody signs in. */
export function consoleRoutes({ assets, sandboxUrl }: Pick<Dependencies, "assets" | "sandboxUrl">) {
  const routes = new Hono();
  routes.get("/console.json", (c) => c.json({ version: apiVersion, sandboxUrl: sandboxUrl ?? null }));
  for (const [path, { body, contentType, etag, isImmutable }] of assets) {
    routes.get(path === "/index.html" ? "/" : path, (c) => {
      c.header("ETag", etag);
      c.header("Cache-Control", isImmutable ? `public, max-age=${foreverSeconds}, immutable` : "no-cache");
      // On a 304 too: its headers replace the ones the browser kept.
      c.header("Content-Security-Policy", consoleContentPolicy);
      if (c.req.header("if-none-match") === etag) return c.body(null, 304);
      return c.body(body, 200, { "Content-Type": contentType });
    });
  }
  return routes;
}
