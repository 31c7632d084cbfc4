import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { baseEnvironment } from "../support/child.ts";
import type { Runtime } from "../support/runtime.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const child = fileURLToPath(new URL("./imports.child.ts", import.meta.url));

/**
 * Starts a bare process of this runtime that imports what others wrote and a connector imports, too; resolves to how long it
 * took from its start to its exit, in ms. It measures what the machine gives to a starting process now.
 */
export async function importMs({ file, args }: Runtime): Promise<number> {
  const started = performance.now();
  const running = spawn(file, [...args, child, ...foreignModules()], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    env: baseEnvironment(),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(running, "exit");
  if (code !== 0) throw new Error(`A bare process that imports the connector's modules exited with ${code}`);
  return performance.now() - started;
}

/** The packages, and files of packages, that the connector imports for their values. */
export function foreignModules(): string[] {
  const imported = /^(?:import|export) (?!type\b)(?:[^";]*? from )?"([^.#"][^"]*)"/gm;
  const found = globSync("{connector,shared}/**/*.ts", { cwd: root }).flatMap((path) =>
    [...readFileSync(`${root}/${path}`, "utf8").matchAll(imported)].map(([, name = ""]) => name),
  );
  return [...new Set(found)].filter((name) => !/^node:|\.json$/.test(name)).toSorted();
}
