import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import { commandLine, processIdentity } from "./process-identity.ts";
import type { Progress } from "./progress.ts";

const politeMs = 20_000;
const forcedMs = 5_000;
const lookEveryMs = 50;

/**
 * Ends a mongod whose parent was killed and that still has this database open. mongod writes its process number into
 * `mongod.lock` and empties it on a clean end; only a process whose command line names this very folder is touched.
 * @throws EmbeddedMongoError `data_in_use` when it does not end
 */
export async function endLeftover(dbPath: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const pid = Number(await readFile(join(dbPath, "mongod.lock"), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0 || !(await isMongodOf(pid, dbPath))) return;
  progress.say(`MongoDB: ending a server (pid ${pid}) that a killed process left behind`);
  if (await ended(pid, "SIGTERM", politeMs, signal)) return;
  if (await ended(pid, "SIGKILL", forcedMs, signal)) return;
  throw new EmbeddedMongoError(
    "data_in_use",
    `A mongod (pid ${pid}) still has ${dbPath} open and does not end. End it first.`,
  );
}

async function isMongodOf(pid: number, dbPath: string): Promise<boolean> {
  const args = (await commandLine(pid)) ?? [];
  return (
    args.some((arg) => arg.includes("mongod")) &&
    args.includes("--dbpath") &&
    args.join(" ").includes(`--dbpath ${dbPath} `)
  );
}

async function ended(
  pid: number,
  how: NodeJS.Signals,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const before = await processIdentity(pid);
  if (before === undefined) return true;
  process.kill(pid, how);
  for (const until = performance.now() + withinMs; performance.now() < until; ) {
    if ((await processIdentity(pid)) !== before) return true;
    await delay(lookEveryMs, undefined, { signal });
  }
  return false;
}
