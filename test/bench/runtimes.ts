import { fileURLToPath } from "node:url";
import { installedBun, needsBun, node } from "../support/runtime.ts";
import { BenchUsageError } from "./options.ts";
import { nodeWith, type Runtime } from "./program.ts";

/** The runtime of the product, with the flags of a release. Throws `BenchUsageError` when Bun is not installed. */
export function runtimeNamed(name: "node" | "bun"): Runtime {
  if (name === "node") return nodeWith(...node.args);
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
