import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { decodeState, encodeState } from "./codec.ts";
import { SandboxStateError } from "./state-error.ts";

/** Incremented with every change of the file's layout, so that an older sandbox does not misread a newer file. */
const format = 1;
const fileName = "state.json";

/** Keeps one snapshot on disk, slightly behind memory. */
export type StateStore = AsyncDisposable & {
  /** Marks the state as changed. It is written within `delayMs`, however often this is called. */
  touch(): void;
  /** Writes pending changes; resolves when they are on disk. Rejects if the write fails. */
  flush(): Promise<void>;
  /** Flushes; later changes are not written on their own. */
  close(): Promise<void>;
};

/**
 * Reads the snapshot kept in `folder`; null if there is none.
 *
 * Throws `SandboxStateError` when there is one that can't be read: starting empty instead would unlink every channel
 * and overwrite what might still be recovered.
 */
export async function readState(folder: string): Promise<unknown> {
  const path = join(folder, fileName);
  const text = await readIfPresent(path);
  if (text === null) return null;
  try {
    const snapshot: unknown = JSON.parse(text);
    if (!isSnapshot(snapshot)) throw new Error(`it is not in format ${format}`);
    return decodeState(snapshot.state);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxStateError(path, why, { cause: error });
  }
}

/** Writes what `take` returns to `folder`, at most once per `delayMs` and one write at a time. */
export function keepState(folder: string, take: () => unknown, delayMs = 250): StateStore {
  let timer: NodeJS.Timeout | null = null;
  let isDirty = false;
  let isClosed = false;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    if (!isDirty) return;
    isDirty = false;
    try {
      await replaceFile(folder, JSON.stringify({ format, state: encodeState(take()) }));
    } catch (error) {
      isDirty = true;
      throw error;
    }
  };
  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    const after = writing.then(write);
    // After a failed write the state stays dirty: the next touch or flush tries again, and flush rejects if that fails.
    writing = after.catch(() => {});
    return after;
  };
  const touch = (): void => {
    isDirty = true;
    if (isClosed || timer) return;
    timer = setTimeout(() => void flush().catch(() => {}), delayMs);
    timer.unref();
  };
  const close = async (): Promise<void> => {
    isClosed = true;
    await flush();
  };
  return { touch, flush, close, [Symbol.asyncDispose]: close };
}

/** Replaces the file so that a reader sees either the old or the new content, even after a power cut. It holds private keys: mode 0600. */
async function replaceFile(folder: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unfinished = join(folder, `${fileName}.tmp`);
  const file = await open(unfinished, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, join(folder, fileName));
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const isSnapshot = (value: unknown): value is { format: number; state: unknown } =>
  typeof value === "object" &&
  value !== null &&
  "state" in value &&
  "format" in value &&
  value.format === format;
