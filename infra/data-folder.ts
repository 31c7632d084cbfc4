import { chmod, mkdir, mkdtemp, readdir, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "#shared/config.ts";

/** Everything that Waypost keeps in a data folder. */
const contents = new Set([
  ...["api-key", "encryption-key", "connector-id", "mongodb-password"],
  ...["lock", "pid", "mongodb", "mongodb.json", "mongodb.json.new"],
  ...["sandbox", "media", "state.json", "state.json.tmp"],
]);

/**
 * Creates the data folder if it is missing, and closes it to other users: mode 0700. Throws `ConfigError` when it is not
 * writable.
 */
export async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
    await makePrivate(dataDir);
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

/**
 * Leaves a folder that also holds something else, which others may need: every file of ours is private by itself. So is one
 * that belongs to another user, such as a mounted volume.
 */
async function makePrivate(path: string): Promise<void> {
  const isOurs = (await readdir(path)).every((name) => contents.has(name));
  if (isOurs) await chmod(path, 0o700).catch(() => undefined);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
