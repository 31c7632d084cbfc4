import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDataFolder } from "#infra/data-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("the data folder is created with its parents, mode 0700, and is accepted if it exists", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a", "b");
  await makeDataFolder(path);
  await makeDataFolder(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(await readdir(path)).toEqual([]);
});

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test("an existing data folder is closed to other users, and one that holds other things is left as it is", async () => {
  await using folder = await temporaryFolder();
  const [own, shared] = [join(folder.path, "own"), join(folder.path, "shared")];
  for (const path of [own, shared]) {
    await mkdir(path);
    await chmod(path, 0o755);
    await writeFile(join(path, "api-key"), "");
  }
  await writeFile(join(shared, "notes.txt"), "");
  await makeDataFolder(own);
  await makeDataFolder(shared);
  expect([await modeOf(own), await modeOf(shared)]).toEqual([0o700, 0o755]);
});

test("a DATA_DIR that is or lies in a file is a configuration error that names it", async () => {
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
  "a DATA_DIR that even root cannot write to is a configuration error",
  async () => {
    for (const path of ["/proc/waypost", "/proc/waypost/data", "/proc"]) {
      await expect(makeDataFolder(path)).rejects.toMatchObject({
        name: "ConfigError",
        message: expect.stringContaining("DATA_DIR cannot be used: E"),
      });
    }
  },
);
