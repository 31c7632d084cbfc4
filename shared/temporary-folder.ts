import { lstat, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "./config.ts";
import { lockFile } from "./file-lock.ts";

const prefix = "waypost-temporary-";
const lockName = "lock";
const attemptsMax = 5;
/** Where `os.tmpdir()` looks, on every system. */
const variables = ["TMPDIR", "TEMP", "TMP"] as const;

/**
 * Gives this process a temporary folder of its own, mode 0700, in which `os.tmpdir()` then lies: for our own files and for
 * those of Baileys, which writes attachments there that any user could read. Disposal removes it. Removes at first what
 * killed processes of this user left. Throws `ConfigError` when there is no folder to write to.
 */
export async function privateTemporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const parent = tmpdir();
  await removeLeftovers(parent);
  const { path, lock } = await lockedFolder(parent).catch((error: Error) => {
    throw new ConfigError([`TMPDIR, the folder for temporary files, cannot be used: ${error.message}`]);
  });
  const before = variables.map((name) => [name, process.env[name]] as const);
  for (const name of variables) process.env[name] = path;
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      lock[Symbol.dispose]();
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Tries again if another process that starts takes the new folder for a leftover, before it is locked. */
async function lockedFolder(parent: string): Promise<{ path: string; lock: Disposable }> {
  for (let attempt = 1; ; attempt++) {
    const path = await mkdtemp(join(parent, prefix));
    try {
      const lock = lockFile(join(path, lockName));
      if (lock && (await exists(join(path, lockName)))) return { path, lock };
      lock?.[Symbol.dispose]();
    } catch (error) {
      if (attempt === attemptsMax) throw error;
    }
    if (attempt === attemptsMax) throw new Error(`${path} disappears as soon as it is created`);
  }
}

async function removeLeftovers(parent: string): Promise<void> {
  // A folder that cannot be listed can still be used.
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    // A file that cannot be removed is left: it must not keep the process from starting.
    if (name.startsWith(prefix)) await removeIfLeft(path).catch(() => undefined);
  }
}

/** Ignores what another user put there: a link would lead the lock, which is a new file, to a place of that user's choice. */
async function removeIfLeft(path: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) return;
  const lock = lockFile(join(path, lockName));
  if (!lock) return;
  // Under the lock, so that a folder which is new after all is not taken. Windows keeps an open file, the lock, until then.
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
  lock[Symbol.dispose]();
  await rm(path, { recursive: true, force: true });
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
