import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";

const sqliteBusy = 5;

/**
 * Locks a data folder for this process until disposal. The lock is the operating system's (through SQLite, on an empty
 * file): it is released however the process ends, so it never goes stale. The file `pid` only names the owner.
 * @throws EmbeddedMongoError `data_in_use`, naming the owner
 */
export async function lockDataFolder(dataDir: string): Promise<AsyncDisposable> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const pidPath = join(dataDir, "pid");
  const file = new DatabaseSync(join(dataDir, "lock"));
  try {
    file.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    file.close();
    if (!isBusy(error)) throw error;
    throw inUse(dataDir, Number(await readFile(pidPath, "utf8").catch(() => 0)), error);
  }
  await writeFile(pidPath, `${process.pid}\n`);
  return {
    async [Symbol.asyncDispose]() {
      await rm(pidPath, { force: true });
      file.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}

function inUse(dataDir: string, pid: number, cause: unknown): EmbeddedMongoError {
  const names = new Map([
    [0, "another process"],
    [process.pid, `this process (pid ${pid})`],
  ]);
  const owner = names.get(pid) ?? `process ${pid}`;
  const message = `The data folder ${dataDir} is used by ${owner}. Stop it first, or set DATA_DIR to another folder.`;
  return new EmbeddedMongoError("data_in_use", message, { cause });
}
