import { Hono } from "hono";
import { preferredEncoding } from "#shared/accept-encoding.ts";
import { ServiceError } from "#shared/errors.ts";
import { howToBuild } from "../assets.ts";
import type { Dependencies } from "../dependencies.ts";
import { consoleContentPolicy } from "../middleware/security-headers.ts";
import { apiVersion } from "./api-docs.ts";

const foreverSeconds = 31_536_000;

/**
 * Serves the console's files, each at its path and `/index.html` at `/`, and `/console.json`, which needs no key. Before
 * the console is built, `/` answers `route_not_found` and says how to build it.
 */
export function consoleRoutes({ assets, sandboxUrl }: Pick<Dependencies, "assets" | "sandboxUrl">) {
  const routes = new Hono();
  if (!assets.has("/index.html"))
    routes.get("/", () => {
      throw new ServiceError("route_not_found", `The console is not built. ${howToBuild}`);
    });
  routes.get("/console.json", (c) => c.json({ version: apiVersion, sandboxUrl: sandboxUrl ?? null }));
  for (const [path, asset] of assets) {
    const { contentType, encoded, isImmutable } = asset;
    routes.get(path === "/index.html" ? "/" : path, (c) => {
      const encoding = preferredEncoding(c.req.header("accept-encoding"), [...encoded.keys()]);
      const { body, etag } = (encoding && encoded.get(encoding)) ?? asset;
      c.header("ETag", etag);
      c.header("Cache-Control", isImmutable ? `public, max-age=${foreverSeconds}, immutable` : "no-cache");
      if (encoded.size > 0) c.header("Vary", "Accept-Encoding");
      // A 304 needs it too, because its headers replace the ones that the browser stored.
      c.header("Content-Security-Policy", consoleContentPolicy);
      if (isCached(etag, c.req.header("if-none-match"))) return c.body(null, 304);
      if (encoding) c.header("Content-Encoding", encoding);
      return c.body(body, 200, { "Content-Type": contentType, "Content-Length": String(body.byteLength) });
    });
  }
  return routes;
}

/** Whether an `If-None-Match` header lists the tag; proxies that compress prefix it with `W/` (RFC 9110 §13.1.2). */
function isCached(etag: string, ifNoneMatch = ""): boolean {
  return ifNoneMatch === "*" || (ifNoneMatch.match(/"[^"]*"/g)?.includes(etag) ?? false);
}
