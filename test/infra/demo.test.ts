import { fileURLToPath } from "node:url";
import spawn from "nano-spawn";
import { expect, test } from "vitest";
import { baseEnvironment } from "../support/child.ts";

const demo = fileURLToPath(new URL("../../infra/demo.ts", import.meta.url));

test("the demo walks the main job and exits with 0", { timeout: 240_000 }, async () => {
  const { stdout } = await spawn(process.execPath, [demo], { timeout: 220_000, env: baseEnvironment() });
  expect(stdout.match(/ ✓ /g)).toHaveLength(20);
  expect(stdout).not.toContain("✗");
  expect(stdout).toMatch(/All steps passed in [\d.]+ s\.$/);
});
