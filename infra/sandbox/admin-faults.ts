import { Hono } from "hono";
import { z } from "zod";
import { AdminError } from "./admin-errors.ts";
import { type Breakables, faultTable } from "./admin-fault-table.ts";

/** `GET /faults` lists what there is; `POST /faults/<name>` breaks it. */
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
    const name = c.req.param("name");
    const fault = Object.hasOwn(faultTable, name) ? faultTable[name] : undefined;
    if (!fault) {
      throw new AdminError(
        "not_found",
        `There is no fault ${name}; there are ${Object.keys(faultTable).join(", ")}.`,
      );
    }
    await fault.run(c, breakables);
    return c.json({ ok: true });
  });
  return routes;
}
