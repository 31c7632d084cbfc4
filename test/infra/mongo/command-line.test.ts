import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { commandLine } from "#infra/mongo/command-line.ts";
import { eventually } from "#test/support/eventually.ts";

const idle = "setInterval(() => {}, 1000)";

test("commandLine returns the command line of a process only while it lives", async ({ skip }) => {
  if (process.platform === "win32") skip("Windows does not show command lines");
  const child = spawn(process.execPath, ["-e", idle, "--", "--marker", "17"], { stdio: "ignore" });
  const line = await eventually(async () =>
    (await commandLine(Number(child.pid)))?.match(/node.* --marker 17 $/),
  );
  expect(line).toHaveLength(1);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await commandLine(Number(child.pid))).toBeUndefined();
});

test("commandLine treats a zombie as ended", async ({ skip }) => {
  if (process.platform === "win32") skip("Windows has no zombies");
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const pid = Number((await once(parent.stdout, "data"))[0]);
  await eventually(() => commandLine(pid));
  // The shell would still collect its child.
  await eventually(async () => (await commandLine(Number(parent.pid)))?.startsWith("sleep"));
  process.kill(pid, "SIGKILL");
  await eventually(async () => (await commandLine(pid)) === undefined);
  expect(process.kill(pid, 0)).toBe(true);
  parent.kill("SIGKILL");
});
