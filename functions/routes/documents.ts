import type { OpenAPIHono } from "@hono/zod-openapi";
import { Hono } from "hono";
import { apiDescription } from "../http/api-description.ts";
import { docsPage, docsPolicy } from "../http/docs-page.ts";
import { securitySchemes } from "../http/openapi.ts";
import type { RequestEnv } from "../middleware/request-id.ts";

/** The version of the API, which is the package's. */
export const apiVersion = "0.1.0";

const info = { title: "Waypost", version: apiVersion, description: apiDescription };

/** `/openapi.json`, made from the routes of `app`, and `/docs`, which shows it. */
export function documentRoutes(app: OpenAPIHono<RequestEnv>): Hono {
  for (const [name, scheme] of Object.entries(securitySchemes))
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  return new Hono()
    .get("/openapi.json", (c) => {
      c.header("Cache-Control", "no-cache");
      return c.json(app.getOpenAPI31Document({ openapi: "3.1.0", info }));
    })
    .get("/docs", (c) => {
      c.header("Content-Security-Policy", docsPolicy);
      c.header("Cache-Control", "no-cache");
      return c.html(docsPage);
    });
}
