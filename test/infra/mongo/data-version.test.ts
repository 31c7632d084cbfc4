import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataVersion, writeDataVersion } from "#infra/mongo/data-version.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

test("readDataVersion returns the stamp that writeDataVersion wrote, and undefined before", async () => {
  await using folder = await temporaryFolder();
  expect(await readDataVersion(folder.path)).toBeUndefined();
  await writeDataVersion(folder.path, { version: "6.0.5", port: 40_123 });
  expect(await readDataVersion(folder.path)).toEqual({ version: "6.0.5", port: 40_123 });
});

test("a damaged stamp is an error, and never means a folder without data", async () => {
  await using folder = await temporaryFolder();
  for (const content of ["", "{", '{"version": 6}', "{}"]) {
    await writeFile(join(folder.path, "mongodb.json"), content);
    await expect(readDataVersion(folder.path)).rejects.toMatchObject({
      name: "EmbeddedMongoError",
      message: expect.stringContaining(join(folder.path, "mongodb.json")),
    });
  }
});
