import { createInterface } from "node:readline";

/**
 * Kills the registered processes when its own parent exits for whatever reason, which ends its standard input. A line
 * `+<pid>` registers a process and `-<pid>` removes it.
 */
const pids = new Set<number>();
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const pid = Number(line.slice(1));
    if (line.startsWith("+")) pids.add(pid);
    else pids.delete(pid);
  })
  .on("close", () => {
    for (const pid of pids) kill(pid);
  });

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has already exited.
  }
}
