import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { installedBun, needsBun } from "../support/runtime.ts";
import { BenchUsageError } from "./options.ts";
import { nodeWith, type Runtime } from "./program.ts";

/** What runs the product, as it is released. Throws `BenchUsageError` when Bun is not installed. */
export function runtimeNamed(name: "node" | "bun"): Runtime {
  if (name === "node") return nodeWith(...releasedFlags());
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

/** The flags that `npm start` gives to Node. */
function releasedFlags(): string[] {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { scripts } = JSON.parse(text) as { scripts: { start: string } };
  return scripts.start.match(/--\S*semi-space\S*/g) ?? [];
}
