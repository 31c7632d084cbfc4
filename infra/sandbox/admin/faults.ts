import { Hono } from "hono";
import { z } from "zod";
import { applyFault, type Breakables, faultTable } from "./fault-table.ts";
import { rawBody } from "./input.ts";

/** `GET /faults` lists the faults; `POST /faults/<name>` applies one. */
export function faultRoutes(breakables: Breakables): Hono {
  const routes = new Hono();
  routes.get("/faults", (c) => {
    const payload = Object.entries(faultTable).map(([name, { does, schema }]) => ({
      name,
      does,
      takes: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }),
    }));
    return c.json({ ok: true, payload });
  });
  routes.post("/faults/:name", async (c) => {
    await applyFault(c.req.param("name"), await rawBody(c), breakables);
    return c.json({ ok: true });
  });
  return routes;
}
