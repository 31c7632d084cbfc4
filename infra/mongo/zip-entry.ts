import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

/** Where one file lies inside a ZIP archive; offsets and sizes in bytes. */
type Entry = { name: string; method: number; packedSize: number; size: number; headerAt: number };

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytesMax = 22 + 65_535;
const deflate = 8;

/**
 * Unpacks the one entry whose name ends in `suffix` (deflated, under 4 GB, as wheels are) to `target`, executable.
 * The archive's own checksum must have been verified by the caller.
 * Format: APPNOTE.TXT 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
 * @throws Error when there is no such entry or it does not unpack to the size it should have
 */
export async function unpackEntry(
  archive: string,
  suffix: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const { entry, dataAt } = await locate(archive, suffix);
  const packed = createReadStream(archive, { start: dataAt, end: dataAt + entry.packedSize - 1 });
  const out = createWriteStream(target, { mode: 0o755 });
  await pipeline(packed, createInflateRaw(), out, { signal });
  if (out.bytesWritten !== entry.size)
    throw new Error(`${entry.name} is ${out.bytesWritten} bytes, not ${entry.size}`);
}

async function locate(archive: string, suffix: string): Promise<{ entry: Entry; dataAt: number }> {
  await using file = await open(archive);
  const { size } = await file.stat();
  const tail = await read(file, Math.max(0, size - endBytesMax), Math.min(size, endBytesMax));
  const end = tail.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  if (end < 0 || tail.readUInt32LE(end) !== endSignature) throw new Error("it is not a ZIP archive");
  const directory = await read(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entry = [...entries(directory)].find(({ name }) => name.endsWith(suffix));
  if (entry === undefined) throw new Error(`it holds no ${suffix}`);
  if (entry.method !== deflate) throw new Error(`${entry.name} is packed in a way that is not read here`);
  const header = await read(file, entry.headerAt, 30);
  return { entry, dataAt: entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28) };
}

function* entries(directory: Buffer): Generator<Entry> {
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === entrySignature; ) {
    const nameLength = directory.readUInt16LE(at + 28);
    yield {
      name: directory.toString("utf8", at + 46, at + 46 + nameLength),
      method: directory.readUInt16LE(at + 10),
      packedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      headerAt: directory.readUInt32LE(at + 42),
    };
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
}

async function read(
  file: Awaited<ReturnType<typeof open>>,
  position: number,
  length: number,
): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw new Error("the archive ends too early");
  return buffer;
}
