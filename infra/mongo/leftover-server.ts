import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { commandLine } from "./command-line.ts";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import type { Progress } from "./progress.ts";

const politeMs = 20_000;
const forcedMs = 5_000;
const lookEveryMs = 50;

/**
 * Ends a mongod whose parent was killed and that still has this database open. mongod writes its process number into
 * `mongod.lock` and empties it on a clean end; only a mongod whose command line names this very folder is touched.
 * @throws EmbeddedMongoError `data_in_use` when it does not end
 */
export async function endLeftover(dbPath: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const pid = Number(await readFile(join(dbPath, "mongod.lock"), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0 || !(await isMongodOf(pid, dbPath))) return;
  progress.say(`MongoDB: ending a server (pid ${pid}) that a killed process left behind`);
  if (await ended(pid, dbPath, "SIGTERM", politeMs, signal)) return;
  if (await ended(pid, dbPath, "SIGKILL", forcedMs, signal)) return;
  throw new EmbeddedMongoError(
    "data_in_use",
    `A mongod (pid ${pid}) has ${dbPath} open and does not end. End it first.`,
  );
}

async function isMongodOf(pid: number, dbPath: string): Promise<boolean> {
  const line = await commandLine(pid);
  return (
    line !== undefined &&
    basename(line.split(" --")[0] ?? "").startsWith("mongod") &&
    line.includes(` --dbpath ${dbPath} `)
  );
}

async function ended(
  pid: number,
  dbPath: string,
  how: NodeJS.Signals,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  end(pid, how);
  for (const until = performance.now() + withinMs; performance.now() < until; ) {
    if (!(await isMongodOf(pid, dbPath))) return true;
    await delay(lookEveryMs, undefined, { signal });
  }
  return false;
}

function end(pid: number, how: NodeJS.Signals): void {
  try {
    process.kill(pid, how);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
