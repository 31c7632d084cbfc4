import type { OpenAPIHono } from "@hono/zod-openapi";
import { Hono } from "hono";
import { ServiceError } from "#shared/errors.ts";
import { howToBuild } from "../assets.ts";
import type { Dependencies } from "../dependencies.ts";
import { eventDataSchemas } from "../events/event-data-schemas.ts";
import { apiDescription } from "../http/api-description.ts";
import { docsPage, docsPolicy, docsScriptPath } from "../http/docs-page.ts";
import { securitySchemes } from "../http/openapi.ts";
import type { RequestEnv } from "../middleware/request-id.ts";

/** The version of the API: that of the package. */
export const apiVersion = "0.1.0";

const info = { title: "Waypost", version: apiVersion, description: apiDescription };

/**
 * Serves `/openapi.json`, made from the routes of `app`, and `/docs`, which shows it. Before the console is built,
 * `/docs` answers `route_not_found` and says how to build it.
 */
export function apiDocsRoutes(app: OpenAPIHono<RequestEnv>, { assets }: Pick<Dependencies, "assets">): Hono {
  for (const [name, scheme] of Object.entries(securitySchemes))
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  const makeDocument = (): string => {
    for (const [name, schema] of Object.entries(eventDataSchemas()))
      app.openAPIRegistry.registerComponent("schemas", name, schema);
    return JSON.stringify(app.getOpenAPI31Document({ openapi: "3.1.0", info }));
  };
  let document: string | null = null;
  return new Hono()
    .get("/openapi.json", (c) => {
      // Made when first asked for: by then every route is mounted, and no start waits for it.
      document ??= makeDocument();
      c.header("Cache-Control", "no-cache");
      return c.body(document, 200, { "Content-Type": "application/json" });
    })
    .get("/docs", (c) => {
      if (!assets.has(docsScriptPath))
        throw new ServiceError(
          "route_not_found",
          `The page is not built; /openapi.json describes the API. ${howToBuild}`,
        );
      c.header("Content-Security-Policy", docsPolicy);
      c.header("Cache-Control", "no-cache");
      return c.html(docsPage);
    });
}
