import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { commandLine } from "./command-line.ts";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import type { Progress } from "./progress.ts";

const sigtermMs = 20_000;
const sigkillMs = 5_000;
const pollEveryMs = 50;

/**
 * Stops a mongod that outlived its killed parent and still has this database open. mongod writes its pid into
 * `mongod.lock` and empties the file on a clean exit. Only a mongod whose command line names this folder is stopped.
 * @throws EmbeddedMongoError `data_in_use` when it does not stop
 */
export async function endLeftover(dbPath: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const pid = Number(await readFile(join(dbPath, "mongod.lock"), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0 || !(await isMongodOf(pid, dbPath))) return;
  progress.say(`MongoDB: stopping a server (pid ${pid}) that a killed process left behind`);
  if (await stopped(pid, dbPath, "SIGTERM", sigtermMs, signal)) return;
  if (await stopped(pid, dbPath, "SIGKILL", sigkillMs, signal)) return;
  throw new EmbeddedMongoError(
    "data_in_use",
    `A mongod (pid ${pid}) has ${dbPath} open and does not stop. Stop it first.`,
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

async function stopped(
  pid: number,
  dbPath: string,
  killSignal: NodeJS.Signals,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  send(pid, killSignal);
  for (const until = performance.now() + withinMs; performance.now() < until; ) {
    if (!(await isMongodOf(pid, dbPath))) return true;
    await delay(pollEveryMs, undefined, { signal });
  }
  return false;
}

function send(pid: number, killSignal: NodeJS.Signals): void {
  try {
    process.kill(pid, killSignal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
