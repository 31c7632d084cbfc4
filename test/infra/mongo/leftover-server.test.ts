import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine } from "#infra/mongo/command-line.ts";
import { endLeftover } from "#infra/mongo/leftover-server.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const signal = new AbortController().signal;
const idle = "setInterval(() => {}, 1000)";

test("a process that reuses the pid of a dead mongod is not stopped", async () => {
  await using folder = await temporaryFolder();
  const args = ["-e", idle, "--", "--dbpath", folder.path, "--port", "1"];
  const other = spawn(process.execPath, args, { stdio: "ignore" });
  await once(other, "spawn");
  await writeFile(join(folder.path, "mongod.lock"), `${other.pid}\n`);
  await endLeftover(folder.path, silentProgress, signal);
  expect(await commandLine(Number(other.pid))).toContain(folder.path);
  other.kill("SIGKILL");
  await once(other, "exit");
});

test("a new folder, and one closed cleanly, have no leftover server", async () => {
  await using folder = await temporaryFolder();
  await endLeftover(folder.path, silentProgress, signal);
  await mkdir(join(folder.path, "closed"));
  await writeFile(join(folder.path, "closed", "mongod.lock"), "");
  await endLeftover(join(folder.path, "closed"), silentProgress, signal);
});
