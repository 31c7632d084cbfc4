import { DatabaseSync } from "node:sqlite";

const sqliteBusy = 5;

/**
 * Locks a file for this process until disposal, and creates it if it is missing; null if another process holds it. The
 * lock is the operating system's (through SQLite, on an empty file): it is released however the process ends, so it never
 * goes stale.
 */
export function lockFile(path: string): Disposable | null {
  const file = new DatabaseSync(path);
  try {
    file.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    file.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { [Symbol.dispose]: () => file.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
