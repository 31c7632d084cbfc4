import { execFile } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const script = fileURLToPath(new URL("../../functions/build-console.js", import.meta.url));
const run = promisify(execFile);

/** A copy of the script in a folder in which Vite is this module, or missing. */
async function scriptBeside(folder: string, vite: string | null): Promise<string> {
  const copy = join(folder, "build-console.mjs");
  await copyFile(script, copy);
  if (vite === null) return copy;
  await mkdir(join(folder, "node_modules/vite"), { recursive: true });
  await writeFile(join(folder, "node_modules/vite/index.mjs"), vite);
  const manifest = { name: "vite", exports: "./index.mjs" };
  await writeFile(join(folder, "node_modules/vite/package.json"), JSON.stringify(manifest));
  return copy;
}

test("an installation without Vite succeeds and says how to build the console", async () => {
  await using folder = await temporaryFolder();
  const { stdout } = await run(process.execPath, [await scriptBeside(folder.path, null)]);
  expect(stdout).toContain("npm ci && npm run build");
});

test("an installation in which Vite lacks a part fails", async () => {
  await using folder = await temporaryFolder();
  const broken = await scriptBeside(folder.path, 'import "a-part-of-vite"; export const build = () => {};');
  await expect(run(process.execPath, [broken])).rejects.toThrow("a-part-of-vite");
});
