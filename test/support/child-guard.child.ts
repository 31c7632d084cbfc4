import { createInterface } from "node:readline";

/**
 * Kills the processes it was told of as soon as its own parent is gone, however that went: its standard input then
 * ends. Lines are `+<pid>` and `-<pid>`.
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
    // It ended by itself.
  }
}
