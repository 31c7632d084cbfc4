import { access, constants, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { unpackEntry } from "#infra/mongo/zip-entry.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const signal = new AbortController().signal;
const program = "#!/bin/sh\necho a program\n".repeat(1000);

test("the entry asked for is unpacked, byte for byte and executable", async () => {
  await using folder = await temporaryFolder();
  const archive = await writeZip(folder.path, {
    "pkg/readme": "text",
    "pkg/bin/mongod": program,
    "pkg/bin/mongodump": "x",
  });
  const target = join(folder.path, "mongod");
  await unpackEntry(archive, "/bin/mongod", target, signal);
  expect(await readFile(target, "utf8")).toBe(program);
  await access(target, constants.X_OK);
});

test("an archive without the entry, one cut short and one that is none are refused", async () => {
  await using folder = await temporaryFolder();
  const target = join(folder.path, "mongod");
  const archive = await writeZip(folder.path, { "pkg/bin/mongod": program });
  await expect(unpackEntry(archive, "/bin/mongos", target, signal)).rejects.toThrow("holds no /bin/mongos");
  const whole = await readFile(archive);
  await writeFile(archive, whole.subarray(0, whole.length - 40));
  await expect(unpackEntry(archive, "/bin/mongod", target, signal)).rejects.toThrow("not a ZIP archive");
  await writeFile(archive, whole.subarray(whole.length - 60));
  await expect(unpackEntry(archive, "/bin/mongod", target, signal)).rejects.toThrow();
});

async function writeZip(folder: string, files: Record<string, string>): Promise<string> {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const packed = deflateRawSync(content);
    const local = header(0x04034b50, 30, name, packed.length, content.length);
    const entry = header(0x02014b50, 46, name, packed.length, content.length);
    entry.writeUInt32LE(at, 42);
    parts.push(local, Buffer.from(name), packed);
    directory.push(entry, Buffer.from(name));
    at += local.length + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  const path = join(folder, "archive.zip");
  await writeFile(path, Buffer.concat([...parts, ...directory, end]));
  return path;
}

/** Local headers and directory entries hold the same fields, the latter 2 bytes further on. */
function header(signature: number, length: 30 | 46, name: string, packed: number, size: number): Buffer {
  const shift = length === 46 ? 2 : 0;
  const buffer = Buffer.alloc(length);
  buffer.writeUInt32LE(signature, 0);
  buffer.writeUInt16LE(8, 8 + shift);
  buffer.writeUInt32LE(packed, 18 + shift);
  buffer.writeUInt32LE(size, 22 + shift);
  buffer.writeUInt16LE(name.length, 26 + shift);
  return buffer;
}
