import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { ServiceError } from "#shared/errors.ts";
import { remembered } from "#shared/remembered.ts";
import type { Dependencies } from "../dependencies.ts";
import { json, refusals } from "../http/openapi.ts";

/** How long readiness is remembered: whoever asks in a loop asks this process alone. */
const rememberedMs = 1_000;

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

/**
 * Answers whether the process is alive and whether it can serve requests. `OPTIONS` checks as `GET` does, because it is
 * the method with which HAProxy checks unless told otherwise.
 */
export function healthRoutes({ store }: Dependencies) {
  const missingIndexes = remembered(() => store.missingIndexes(), rememberedMs);
  const assertReady = async () => {
    const missing = await missingIndexes();
    if (missing.length > 0)
      throw new ServiceError("database_unavailable", "Indexes are missing", { details: { missing } });
  };
  const routes = new OpenAPIHono();
  routes.options(living.path, (c) => c.json({ ok: true as const }, 200));
  routes.options(readiness.path, async (c) => {
    await assertReady();
    return c.json({ ok: true as const }, 200);
  });
  return routes
    .openapi(living, (c) => c.json({ ok: true as const }, 200))
    .openapi(readiness, async (c) => {
      await assertReady();
      return c.json({ ok: true as const }, 200);
    });
}
