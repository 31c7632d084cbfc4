/**
 * Ends the process whose number it is given as soon as its own parent is gone, however that went: the standard input
 * it has from the parent then ends. Usage: `server-guard.ts <pid>`.
 */
const pid = Number(process.argv[2]);
if (!Number.isInteger(pid) || pid <= 0) throw new Error("usage: <pid>");
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.stdin.on("end", () => process.kill(pid, "SIGTERM")).resume();
