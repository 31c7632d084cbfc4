import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The program that runs the product's TypeScript, and what stands before the file on its command line. */
export interface Runtime {
  name: "node" | "bun";
  file: string;
  args: readonly string[];
}

/** The Node that runs this, with the flags that `npm start` gives it. */
export const node: Runtime = { name: "node", file: process.execPath, args: releasedFlags() };

export const needsBun = "needs bun: npm i --no-save bun@1.4.5";

/** Changes libsignal before anything loads it: Bun would have loaded Baileys with it by then. */
const preload = fileURLToPath(new URL("../../connector/baileys/before-baileys.ts", import.meta.url));
const binaries = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

/** The arguments before a file that opens Baileys' door, on the command line of the runtime that runs this. */
export const doorArgs: readonly string[] = process.versions.bun ? ["--preload", preload] : [];

function releasedFlags(): string[] {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { scripts } = JSON.parse(text) as { scripts: { start: string } };
  const [, flags] = /^exec node (.*) --import /.exec(scripts.start) ?? [];
  if (!flags) throw new Error("`npm start` gives Node no flags");
  return flags.split(" ");
}

/** Bun from the `PATH` or `node_modules`; null when there is none. */
export function installedBun(): Runtime | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), binaries];
  const file = folders.map((folder) => join(folder, "bun")).find(isExecutable);
  return file === undefined ? null : { name: "bun", file, args: ["--preload", preload] };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
