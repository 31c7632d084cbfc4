import { readFile } from "node:fs/promises";

/** Linux counts CPU time in ticks of 10 ms. */
const tickMs = 10;

/** User and system time of a process since it started; proc_pid_stat(5). */
export async function cpuMs(pid: number): Promise<number> {
  return cpuOf(await readFile(`/proc/${pid}/stat`, "utf8"));
}

/** The fields behind the name, which may hold spaces and parentheses, start with the third. */
export function cpuOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** Resident memory in KB. */
export async function residentKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}
