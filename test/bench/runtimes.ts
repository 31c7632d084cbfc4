import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchUsageError } from "./options.ts";
import { node, type Runtime } from "./program.ts";

const binaries = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
/** Bun has loaded CommonJS modules by the time the connector patches libsignal, so this comes before everything. */
const first = fileURLToPath(new URL("../../connector/baileys/libsignal-queue.ts", import.meta.url));

/** @throws BenchUsageError when Bun is not installed */
export function runtimeNamed(name: "node" | "bun"): Runtime {
  if (name === "node") return node;
  const bun = [...(process.env.PATH ?? "").split(delimiter), binaries]
    .map((folder) => join(folder, "bun"))
    .find(isExecutable);
  if (!bun) throw new BenchUsageError(`--runtime bun: there is no bun on the PATH or in ${binaries}`);
  return {
    name: "Bun",
    command: (main, probe) => ({
      file: bun,
      args: ["--preload", first, "--preload", fileURLToPath(probe), fileURLToPath(main)],
    }),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
