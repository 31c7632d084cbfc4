import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";

const preloaded = fileURLToPath(new URL("../../infra/node-24.js", import.meta.url));

/** Makes every timer a thousand times shorter. */
const hurry = `const later = globalThis.setTimeout;
globalThis.setTimeout = (work, ms, ...rest) => later(work, ms / 1_000, ...rest);`;

/** Another installation, whose \`script.js\` has \`content\`. */
async function install(folder: string, content: string): Promise<void> {
  await mkdir(join(folder, "infra"));
  await mkdir(join(folder, "node_modules"));
  await copyFile(preloaded, join(folder, "infra", "node-24.js"));
  await writeFile(join(folder, "package.json"), `{"type": "module"}`);
  await writeFile(join(folder, "hurry.js"), hurry);
  await writeFile(join(folder, "other.js"), "export const other = 1;");
  await writeFile(join(folder, "script.js"), `import { other } from "./other.js";\n${content}`);
}

async function run(folder: string, ...preloads: string[]) {
  const imports = [...preloads, "infra/node-24.js"].flatMap((name) => ["--import", join(folder, name)]);
  const env = { PATH: process.env.PATH, NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
  const child = spawn(process.execPath, [...imports, "script.js"], { cwd: folder, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  const [code, signal] = await once(child, "close");
  return { code, signal, output };
}

/** Kills its process once compiled code lies on the disk. */
const killedWhenKept = `import { readdirSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
const look = () => readdirSync(getCompileCacheDir()).length > 0 ? process.kill(process.pid, "SIGKILL") : setImmediate(look);
look();`;

describe("compiled code", () => {
  test("is used by the next start, and closed to other users", async () => {
    await using folder = await temporaryFolder();
    await install(folder.path, "");
    expect((await run(folder.path)).output).not.toContain("was accepted");
    const { mode } = await stat(join(folder.path, "node_modules/.cache/waypost"));
    expect(mode & 0o077).toBe(0);
    const second = await run(folder.path);
    expect(second.code).toBe(0);
    expect(second.output).toMatch(/other\.js was accepted/);
  });

  test("is not read where others of a group could have put it", async () => {
    await using folder = await temporaryFolder();
    await install(folder.path, "");
    await run(folder.path);
    await chmod(join(folder.path, "node_modules/.cache/waypost"), 0o770);
    expect((await run(folder.path)).output).not.toContain("was accepted");
  });

  test("outlives a process that is killed", async () => {
    await using folder = await temporaryFolder();
    await install(folder.path, killedWhenKept);
    expect((await run(folder.path, "hurry.js")).signal).toBe("SIGKILL");
    expect((await run(folder.path, "hurry.js")).output).toMatch(/other\.js was accepted/);
  });

  test("is not kept where nothing can be written, and the script runs", async () => {
    await using folder = await temporaryFolder();
    await install(folder.path, "process.exitCode = 7;");
    await writeFile(join(folder.path, "node_modules", ".cache"), "");
    expect((await run(folder.path)).code).toBe(7);
  });
});
