import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { baseEnvironment } from "../support/child.ts";

const root = new URL("../../", import.meta.url);

/** Returns every module that loads with one of ours, packages and their dependencies included. */
async function importsOf(module: string): Promise<string[]> {
  const probe = fileURLToPath(new URL("print-imports.child.ts", import.meta.url));
  const args = [probe, new URL(module, root).href];
  const run = promisify(execFile)(process.execPath, args, { env: baseEnvironment() });
  const urls = (await run).stdout.split("\n");
  return urls.map((url) => url.replace(root.href, ""));
}

const forbidden = /node_modules\/(@whiskeysockets|baileys|libsignal|socket\.io)|^(connector|infra|test)\//;

test.each(["functions/platforms/node/main.ts", "functions/app.ts"])(
  "%s imports neither Baileys nor libsignal",
  async (module) => {
    const imports = await importsOf(module);
    expect(imports).toContain("shared/errors.ts");
    expect(imports.filter((url) => forbidden.test(url))).toEqual([]);
  },
);

test("the same check finds Baileys in connector/baileys", async () => {
  const imports = await importsOf("connector/baileys/baileys.ts");
  expect(imports.filter((url) => forbidden.test(url)).length).toBeGreaterThan(1);
});

test("createApp imports no server, no database and no Node module that other runtimes lack", async () => {
  const imports = await importsOf("functions/app.ts");
  const builtIns = new Set(imports.filter((url) => url.startsWith("node:")));
  for (const name of ["http", "https", "http2", "net", "tls", "child_process", "worker_threads", "cluster"])
    expect(builtIns).not.toContain(`node:${name}`);
  expect(
    imports.filter((url) => /node_modules\/(mongodb|pino|undici|ws|@hono\/node-server)\//.test(url)),
  ).toEqual([]);
});
