// Stays first: it changes what Baileys and this file run programs with.
import "#connector/baileys/baileys.ts";
import {
  type ChildProcess as Child,
  ChildProcess,
  type ExecException,
  type ExecOptions,
  exec,
  execFile,
  fork,
  spawn,
} from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { generateThumbnail } from "@whiskeysockets/baileys";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { boundedStart } from "#connector/baileys/bounded-programs.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/temporary-folder.ts";

let folder: TemporaryFolder;
beforeEach(async ({ skip }) => {
  if (process.platform === "win32") skip("Windows has no env and no sleep");
  vi.stubEnv("SOME_PASSWORD", "hidden");
  folder = await temporaryFolder();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

function run(command: string, options: ExecOptions = {}) {
  return new Promise<{ error: ExecException | null; stdout: string }>((resolve) => {
    exec(command, { ...options, encoding: "utf8" }, (error, stdout) => resolve({ error, stdout }));
  });
}

test("ffmpeg, as Baileys runs it for a thumbnail, inherits no secret", async () => {
  const seen = join(folder.path, "seen");
  await writeFile(join(folder.path, "ffmpeg"), `#!/bin/sh\nenv > ${seen}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${folder.path}${delimiter}${process.env.PATH}`);
  await generateThumbnail("video.mp4", "video", {});
  const inherited = await readFile(seen, "utf8");
  expect(inherited).toContain("PATH=");
  expect(inherited).not.toContain("hidden");
});

const forked = async () => {
  const script = join(folder.path, "env.cjs");
  await writeFile(script, 'process.stdout.write(Object.entries(process.env).join("\\n"))');
  return fork(script, { silent: true, execArgv: [] });
};
const ways: [name: string, start: () => Child | Promise<Child>][] = [
  ["exec", () => exec("env")],
  ["execFile", () => execFile("env")],
  ["spawn", () => spawn("env")],
  ["spawn in a shell", () => spawn("env", { shell: true })],
  ["fork", forked],
];
test.each(ways)(
  "once Baileys' door is open, a program that is run by %s inherits no secret",
  async (_, start) => {
    const { stdout } = await start();
    const inherited = stdout ? await text(stdout) : "";
    expect(inherited).toMatch(/PATH[=,]/);
    expect(inherited).not.toContain("hidden");
  },
);

test("nor does one that a library runs by execSync", () => {
  const { execSync } = createRequire(import.meta.url)("child_process") as typeof import("node:child_process");
  const inherited = execSync("env", { encoding: "utf8" });
  expect(inherited).toContain("PATH=");
  expect(inherited).not.toContain("hidden");
});

test("a program gets the environment that its caller gives", async () => {
  const { stdout } = await run("env", { env: { ...process.env, SOME_PASSWORD: "shown" } });
  expect(stdout).toContain("SOME_PASSWORD=shown");
});

test("a program over its time limit is killed", async () => {
  const prototype = ChildProcess.prototype as unknown as { spawn: Parameters<typeof boundedStart>[0] };
  const { spawn: start } = prototype;
  prototype.spawn = boundedStart(start, process.env, 200);
  try {
    const { error } = await run("exec sleep 60");
    expect(error).toMatchObject({ killed: true, signal: "SIGKILL" });
  } finally {
    prototype.spawn = start;
  }
});
