import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { decodeState, encodeState } from "./codec.ts";
import { SandboxStateError } from "./state-error.ts";

/** Raised at each change of the file's layout: an older sandbox must not misread a newer file. */
const format = 1;
const fileName = "state.json";

/** Keeps one snapshot on disk, a little behind memory. */
export type StateStore = AsyncDisposable & {
  /** Says that something changed: written within `delayMs`, however often it is called. */
  touch(): void;
  /** Writes what has changed and waits for it; throws what kept the last write from succeeding. */
  flush(): Promise<void>;
  /** Flushes and hears no more. */
  close(): Promise<void>;
};

/**
 * Reads the snapshot kept in `folder`; null if there is none.
 *
 * Throws `SandboxStateError` when there is one that can't be read: starting empty instead would unlink every channel
 * and overwrite what might still be saved.
 */
export async function readState(folder: string): Promise<unknown> {
  const path = join(folder, fileName);
  const text = await readIfPresent(path);
  if (text === null) return null;
  try {
    const kept: unknown = JSON.parse(text);
    if (!isKept(kept)) throw new Error(`it is not of format ${format}`);
    return decodeState(kept.state);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxStateError(path, why, { cause: error });
  }
}

/** Writes what `take` returns to `folder`, at most once per `delayMs` and never two at a time. */
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
    // A failed write stays dirty and is tried again by the next touch or flush, whose caller hears of it.
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

/** Whoever reads the file sees the old or the new content, also after a power cut. It holds private keys: mode 0600. */
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

const isKept = (value: unknown): value is { format: number; state: unknown } =>
  typeof value === "object" &&
  value !== null &&
  "state" in value &&
  "format" in value &&
  value.format === format;
