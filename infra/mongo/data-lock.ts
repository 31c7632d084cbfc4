import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lockFile } from "#shared/file-lock.ts";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";

/**
 * Locks a data folder for this process until disposal, however the process ends. The file `pid` only names the owner.
 * @throws EmbeddedMongoError `data_in_use`, naming the owner
 */
export async function lockDataFolder(dataDir: string): Promise<AsyncDisposable> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const pidPath = join(dataDir, "pid");
  const lock = lockFile(join(dataDir, "lock"));
  if (!lock) throw inUse(dataDir, Number(await readFile(pidPath, "utf8").catch(() => 0)));
  await writeFile(pidPath, `${process.pid}\n`);
  return {
    async [Symbol.asyncDispose]() {
      await rm(pidPath, { force: true });
      lock[Symbol.dispose]();
    },
  };
}

function inUse(dataDir: string, pid: number): EmbeddedMongoError {
  const names = new Map([
    [0, "another process"],
    [process.pid, `this process (pid ${pid})`],
  ]);
  const owner = names.get(pid) ?? `process ${pid}`;
  const message = `The data folder ${dataDir} is used by ${owner}. Stop it first, or set DATA_DIR to another folder.`;
  return new EmbeddedMongoError("data_in_use", message);
}
