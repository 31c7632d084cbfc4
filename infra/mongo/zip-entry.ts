import { createWriteStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { openPromise } from "yauzl";

/**
 * Unpacks the first entry whose name ends in `suffix` to `target`, executable. yauzl checks the entry's size, not its
 * checksum: the caller must have verified the archive.
 * @throws Error when the archive is damaged, has no such entry or cannot be unpacked; the signal's reason on abort
 */
export async function unpackEntry(
  archive: string,
  suffix: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const zip = await openPromise(archive);
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith(suffix)) continue;
      const content = await zip.openReadStreamPromise(entry);
      return await pipeline(content, createWriteStream(target, { mode: 0o755 }), { signal });
    }
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${basename(archive)} cannot be unpacked: ${reason}`, { cause: error });
  }
  throw new Error(`${basename(archive)} contains no ${suffix}`);
}
