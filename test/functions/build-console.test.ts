import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("preparing an installation without vite succeeds and prints how to build the console", async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, "build-console.mjs");
  await copyFile(new URL("../../functions/build-console.js", import.meta.url), script);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toMatch(/not built.*npm ci && npm run build/);
  expect(stderr).toBe("");
});
