import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { ServiceError } from "#shared/errors.ts";
import type { Dependencies } from "../dependencies.ts";
import { json, refusals } from "../http/openapi.ts";

const healthy = z.object({ ok: z.literal(true) });

const living = createRoute({
  operationId: "getLiveness",
  method: "get",
  path: "/health/live",
  tags: ["Health"],
  summary: "Check liveness",
  security: [],
  responses: { 200: json(healthy, "The process is alive") },
});

const readiness = createRoute({
  operationId: "getReadiness",
  method: "get",
  path: "/health/ready",
  tags: ["Health"],
  summary: "Check readiness",
  description: "Ready means that MongoDB answers and its indexes exist.",
  security: [],
  responses: { 200: json(healthy, "The process is ready"), ...refusals("internal", "database_unavailable") },
});

/** Answers whether the process is alive and whether it can serve requests. */
export function healthRoutes({ store }: Dependencies) {
  return new OpenAPIHono()
    .openapi(living, (c) => c.json({ ok: true as const }, 200))
    .openapi(readiness, async (c) => {
      const missing = await store.missingIndexes();
      if (missing.length > 0)
        throw new ServiceError("database_unavailable", "Indexes are missing", { details: { missing } });
      return c.json({ ok: true as const }, 200);
    });
}
