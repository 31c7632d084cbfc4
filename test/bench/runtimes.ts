import { fileURLToPath } from "node:url";
import { installedBun, needsBun } from "../support/runtime.ts";
import { BenchUsageError } from "./options.ts";
import { node, type Runtime } from "./program.ts";

/** @throws BenchUsageError when Bun is not installed */
export function runtimeNamed(name: "node" | "bun"): Runtime {
  if (name === "node") return node;
  const bun = installedBun();
  if (!bun) throw new BenchUsageError(`--runtime bun ${needsBun}`);
  return {
    name: "Bun",
    command: (main, probe) => ({
      file: bun.file,
      args: [...bun.args, "--preload", fileURLToPath(probe), fileURLToPath(main)],
    }),
  };
}
