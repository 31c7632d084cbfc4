import { readFile } from "node:fs/promises";
import { runProgram } from "./run-program.ts";

const psDeadlineMs = 5_000;

/**
 * Returns the command line of a process as one string. `undefined` when the process does not exist or is a zombie, and
 * on Windows, where it cannot be read.
 */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform === "win32") return undefined;
  const text = process.platform === "linux" ? linuxCommandLine(pid) : psCommandLine(pid);
  return (await text.catch(() => undefined)) || undefined;
}

/** proc_pid_cmdline(5): the arguments, each ended by a null byte; empty for a zombie. */
async function linuxCommandLine(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ");
}

async function psCommandLine(pid: number): Promise<string> {
  const stdout = await runProgram("ps", ["-ww", "-o", "state=,command=", "-p", String(pid)], {
    env: { PATH: "/bin:/usr/bin" },
    signal: AbortSignal.timeout(psDeadlineMs),
    deadlineMs: psDeadlineMs,
  });
  const [state = "Z", ...words] = stdout.trim().split(/\s+/);
  return state.startsWith("Z") ? "" : `${words.join(" ")} `;
}
