import { existsSync } from "node:fs";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDataFolder } from "#infra/data-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("the folder is made with those above it, for its owner alone, and is taken as it is when it is there", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a", "b");
  await makeDataFolder(path);
  await makeDataFolder(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(await readdir(path)).toEqual([]);
});

test("what cannot be a folder is a wrong setting, by name", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  await writeFile(file, "");
  for (const path of [file, join(file, "data")])
    await expect(makeDataFolder(path)).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringContaining("DATA_DIR cannot be used: E"),
    });
});

test.runIf(existsSync("/proc/self"))(
  "where nothing can be made, also by root, is a wrong setting too",
  async () => {
    for (const path of ["/proc/waypost", "/proc/waypost/data", "/proc"]) {
      await expect(makeDataFolder(path)).rejects.toMatchObject({
        name: "ConfigError",
        message: expect.stringContaining("DATA_DIR cannot be used: E"),
      });
    }
  },
);
