import { readFile } from "node:fs/promises";
import { Hono } from "hono";
import { AdminError } from "./errors.ts";

const folder = new URL("./phone-page/", import.meta.url);
const servable = /^[a-z-]+\.(html|css|js|svg)$/;
const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Serves the page of the simulated phone: static files. */
export function phonePageRoutes(): Hono {
  const routes = new Hono();
  routes.get("/", async (c) =>
    c.body(await file("index.html"), 200, { "Content-Type": typeOf("index.html") }),
  );
  routes.get("/:name{[^/]+}", async (c) => {
    const name = c.req.param("name");
    return c.body(await file(name), 200, { "Content-Type": typeOf(name) });
  });
  return routes;
}

async function file(name: string): Promise<string> {
  const missing = new AdminError("not_found", `There is no file ${name}.`);
  if (!servable.test(name)) throw missing;
  return await readFile(new URL(name, folder), "utf8").catch(() => {
    throw missing;
  });
}

const typeOf = (name: string): string => types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
