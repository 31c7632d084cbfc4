import { mkdir, mkdtemp, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "#shared/config.ts";

/** Creates the data folder if it is missing, mode 0700. Throws `ConfigError` when it is not writable. */
export async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
    // Tries to write instead of checking permissions: to root, every folder looks writable, even `/proc`.
    await rmdir(await mkdtemp(join(dataDir, "try-")));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`DATA_DIR cannot be used: ${reason}`]);
  }
}

/** Creates one folder at a time: Node's `recursive` never ends if mkdir reports ENOENT although the parent exists. */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
