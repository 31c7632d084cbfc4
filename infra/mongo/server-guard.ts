/**
 * Stops a process once this guard's own parent has died, in whatever way: the guard's standard input, a pipe from the
 * parent, then ends. Usage: `server-guard.ts <pid>`.
 */
const pid = Number(process.argv[2]);
if (!Number.isInteger(pid) || pid <= 0) throw new Error("usage: <pid>");
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.stdin.on("end", () => process.kill(pid, "SIGTERM")).resume();
