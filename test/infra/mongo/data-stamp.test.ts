import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readStamp, writeStamp } from "#infra/mongo/data-stamp.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

test("readStamp returns the stamp that writeStamp wrote, and undefined before", async () => {
  await using folder = await temporaryFolder();
  expect(await readStamp(folder.path)).toBeUndefined();
  await writeStamp(folder.path, { version: "6.0.5", port: 40_123 });
  expect(await readStamp(folder.path)).toEqual({ version: "6.0.5", port: 40_123 });
});

test("a damaged stamp is an error, and never means a folder without data", async () => {
  await using folder = await temporaryFolder();
  for (const content of ["", "{", '{"version": 6}', "{}"]) {
    await writeFile(join(folder.path, "mongodb.json"), content);
    await expect(readStamp(folder.path)).rejects.toMatchObject({
      name: "EmbeddedMongoError",
      message: expect.stringContaining(join(folder.path, "mongodb.json")),
    });
  }
});
