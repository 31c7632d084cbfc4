import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { baseEnvironment } from "../support/child.ts";
import type { Runtime } from "../support/runtime.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const child = fileURLToPath(new URL("./imports.child.ts", import.meta.url));

/** The folders whose modules a process of the product loads. */
const loaded = {
  connector: ["connector", "shared"],
  both: ["connector", "shared", "functions"],
} as const;
export type ProcessKind = keyof typeof loaded;

/**
 * Starts a bare process of this runtime that imports what others wrote and a process of this kind imports, too; resolves to how
 * long it took from its start to its exit, in ms. It measures what the machine gives to a starting process now.
 */
export async function importMs({ file, args }: Runtime, kind: ProcessKind): Promise<number> {
  const started = performance.now();
  const running = spawn(file, [...args, child, ...foreignModules(kind)], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    env: baseEnvironment(),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(running, "exit");
  if (code !== 0) throw new Error(`A bare process that imports the modules of others exited with ${code}`);
  return performance.now() - started;
}

/** The packages, and files of packages, that such a process imports for their values; the console runs in a browser. */
export function foreignModules(kind: ProcessKind): string[] {
  const imported = /^(?:import|export) (?!type\b)(?:[^";]*? from )?"([^.#"][^"]*)"/gm;
  const found = globSync(`{${loaded[kind]}}/**/*.ts`, {
    cwd: root,
    exclude: ["functions/console/**"],
  }).flatMap((path) =>
    [...readFileSync(`${root}/${path}`, "utf8").matchAll(imported)].map(([, name = ""]) => name),
  );
  return [...new Set(found)].filter((name) => !/^node:|\.json$/.test(name)).toSorted();
}
