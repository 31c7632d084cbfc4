import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Mongod } from "./server-version.ts";

const program = process.platform === "win32" ? "mongod.exe" : "mongod";
const workspacePrefix = "unfinished-";
const workspaceAgeMaxMs = 24 * 3600 * 1000;

/** The cache folder: XDG on Linux, the platform's own elsewhere. */
export function cacheFolder(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  home: string = homedir(),
): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "waypost");
  if (platform === "darwin") return join(home, "Library", "Caches", "waypost");
  if (platform === "win32")
    return join(env.LOCALAPPDATA ?? join(home, "AppData", "Local"), "waypost", "Cache");
  return join(home, ".cache", "waypost");
}

/** Lists the cached servers, in no order. An unreadable cache counts as empty. */
export async function cachedServers(cache: string): Promise<Mongod[]> {
  const names = await readdir(join(cache, "mongod")).catch(() => []);
  const versions = names.filter((name) => /^\d+\.\d+\.\d+$/.test(name));
  return versions.map((version) => ({ version, path: join(cache, "mongod", version, program) }));
}

/**
 * Renames a complete server into the cache, so that no process ever sees half a file, even if several install the same
 * version at once.
 */
export async function keepServer(cache: string, server: Mongod): Promise<Mongod> {
  const folder = join(cache, "mongod", server.version);
  await mkdir(folder, { recursive: true });
  const path = join(folder, program);
  await chmod(server.path, 0o755);
  try {
    await rename(server.path, path);
  } catch (error) {
    // Windows refuses to replace a running program, but then the same version is installed already.
    if (!(await stat(path).catch(() => undefined))) throw error;
  }
  return { version: server.version, path };
}

/**
 * Creates a folder for one download, removed on disposal. It lies inside the cache, so that the final rename stays on
 * one file system. Also removes folders that killed downloads left more than a day ago.
 */
export async function openWorkspace(cache: string): Promise<AsyncDisposable & { path: string }> {
  const path = join(cache, `${workspacePrefix}${randomUUID()}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  await removeAbandoned(cache);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(workspacePrefix)) continue;
    const path = join(cache, name);
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > workspaceAgeMaxMs) await rm(path, { recursive: true, force: true });
  }
}
