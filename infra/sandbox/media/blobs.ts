import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Encrypted media by name, bounded in size: the oldest make room for new ones. */
export type MediaBlobs = {
  put(name: string, bytes: Buffer): Promise<void>;
  get(name: string): Promise<Buffer | undefined>;
};

/** Stores blobs in memory, at most `bytesMax` together. */
export function memoryBlobs(bytesMax: number): MediaBlobs {
  const blobs = new Map<string, Buffer>();
  let total = 0;
  const drop = (name: string): void => {
    total -= blobs.get(name)?.length ?? 0;
    blobs.delete(name);
  };
  return {
    async put(name, bytes) {
      drop(name);
      for (const oldest of blobs.keys()) {
        if (total + bytes.length <= bytesMax) break;
        drop(oldest);
      }
      blobs.set(name, bytes);
      total += bytes.length;
    },
    get: async (name) => blobs.get(name),
  };
}

/** Stores blobs as files in `folder`, at most `bytesMax` together. Names must be safe as file names. */
export async function folderBlobs(folder: string, bytesMax: number): Promise<MediaBlobs> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    async put(name, bytes) {
      await makeRoom(folder, bytesMax - bytes.length);
      const unfinished = join(folder, `${name}.tmp`);
      await writeFile(unfinished, bytes, { mode: 0o600 });
      await rename(unfinished, join(folder, name));
    },
    async get(name) {
      try {
        return await readFile(join(folder, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
  };
}

/** Deletes the oldest files until at most `usedMax` bytes are used. */
async function makeRoom(folder: string, usedMax: number): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name));
      return { name, size, mtimeMs };
    }),
  );
  let used = files.reduce((sum, file) => sum + file.size, 0);
  for (const file of files.sort((one, other) => one.mtimeMs - other.mtimeMs)) {
    if (used <= usedMax) return;
    await rm(join(folder, file.name), { force: true });
    used -= file.size;
  }
}
