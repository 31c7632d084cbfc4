import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import { processIdentity } from "./process-identity.ts";

const attemptsMax = 20;
const attemptEveryMs = 50;

/**
 * Takes a data folder for this process until disposal. The lock of a process that was killed is taken over; a folder
 * on a network drive shared by machines is beyond it, there mongod's own lock decides.
 * @throws EmbeddedMongoError `data_in_use`, naming the process that has it
 */
export async function lockDataFolder(dataDir: string): Promise<AsyncDisposable> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, "lock");
  const mine = JSON.stringify({ pid: process.pid, identity: await processIdentity(process.pid) });
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    if (await create(path, mine)) return { [Symbol.asyncDispose]: () => release(path, mine) };
    const found = await readFile(path, "utf8").catch(() => undefined);
    const owner = found === undefined ? undefined : parse(found);
    if (owner && (await processIdentity(owner.pid)) === owner.identity) throw inUse(dataDir, owner.pid);
    const isHalfWritten = owner === undefined && attempt < attemptsMax / 2;
    if (found === undefined || isHalfWritten) await delay(attemptEveryMs);
    else await discard(path, found);
  }
  throw new EmbeddedMongoError(
    "data_in_use",
    `The data folder ${dataDir} is being taken by other processes.`,
  );
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Two processes may find the same stale lock: who moved away a fresh one puts it back. */
async function discard(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8")) === stale) await rm(aside, { force: true });
  else await rename(aside, path);
}

async function release(path: string, mine: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) === mine) await rm(path, { force: true });
}

function parse(content: string): { pid: number; identity: string | undefined } | undefined {
  try {
    const { pid, identity } = JSON.parse(content);
    return Number.isInteger(pid) && pid > 0 ? { pid, identity } : undefined;
  } catch {
    return undefined;
  }
}

function inUse(dataDir: string, pid: number): EmbeddedMongoError {
  const who = pid === process.pid ? `this process (pid ${pid}) already` : `process ${pid}`;
  return new EmbeddedMongoError(
    "data_in_use",
    `The data folder ${dataDir} is used by ${who}. Stop it first, or set DATA_DIR to another folder.`,
  );
}
