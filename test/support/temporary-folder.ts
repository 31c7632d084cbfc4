import { mkdtemp, rm, statfs } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

/** More than the data of all tests that run at once. */
const dataBytes = 2 * 1024 ** 3;

export type TemporaryFolder = AsyncDisposable & { path: string };

/** Creates a temporary folder. Disposal removes it and its contents. */
export async function temporaryFolder(parent = tmpdir()): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(parent, "waypost-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Creates a temporary folder for a mongod, in Linux's in-memory folder if that has room: syncing to disk costs nothing
 * there, and building an index takes a third of the time. Tests kill processes, not the machine, and memory outlives
 * those too. Programs may not be executable there.
 */
export async function databaseFolder(): Promise<TemporaryFolder> {
  const memory = "/dev/shm";
  const room = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return await temporaryFolder(Math.min(room, freemem()) > dataBytes ? memory : tmpdir());
}
