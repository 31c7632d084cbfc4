import { type ExecException, type ExecOptions, exec } from "node:child_process";
import { afterEach, expect, test, vi } from "vitest";
import { boundedExec } from "#connector/baileys/bounded-exec.ts";

afterEach(() => void vi.unstubAllEnvs());

type Run = typeof exec | ReturnType<typeof boundedExec>;

function run(program: Run, command: string, options?: ExecOptions) {
  return new Promise<{ error: ExecException | null; stdout: string }>((resolve) => {
    const done = (error: ExecException | null, stdout: string) => resolve({ error, stdout });
    if (options) (program as typeof exec)(command, { ...options, encoding: "utf8" }, done);
    else (program as typeof exec)(command, done);
  });
}

test("once Baileys' door is open, a program that is run by exec inherits no secret", async ({ skip }) => {
  if (process.platform === "win32") skip("Windows has no env");
  vi.stubEnv("SOME_PASSWORD", "hidden");
  const { stdout } = await run(exec, "env");
  expect(stdout).toContain("PATH=");
  expect(stdout).not.toContain("hidden");
  const { stdout: own } = await run(exec, "env", { env: { ...process.env, SOME_PASSWORD: "shown" } });
  expect(own).toContain("SOME_PASSWORD=shown");
});

test("a program over its time limit is killed", async ({ skip }) => {
  if (process.platform === "win32") skip("Windows has no sleep");
  const bounded = boundedExec(exec as Parameters<typeof boundedExec>[0], process.env, 200);
  const { error } = await run(bounded, "exec sleep 60");
  expect(error).toMatchObject({ killed: true, signal: "SIGKILL" });
});
