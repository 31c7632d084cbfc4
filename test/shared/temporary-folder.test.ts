import { existsSync } from "node:fs";
import { mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { privateTemporaryFolder } from "#shared/temporary-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let parent: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  parent = await temporaryFolder();
  for (const name of ["TEMP", "TMP"]) vi.stubEnv(name, undefined);
  vi.stubEnv("TMPDIR", parent.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await parent[Symbol.asyncDispose]();
});

test("the temporary folder is the process's own until disposal, which removes it", async () => {
  {
    await using folder = await privateTemporaryFolder();
    expect(tmpdir()).toBe(folder.path);
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
    await writeFile(join(tmpdir(), "attachment"), "");
  }
  expect(tmpdir()).toBe(parent.path);
  expect(await readdir(parent.path)).toEqual([]);
});

test("what a killed process left is removed; what a running one has, and everything else, stays", async () => {
  const left = join(parent.path, "waypost-temporary-left");
  await mkdir(left);
  await writeFile(join(left, "attachment"), "");
  await writeFile(join(parent.path, "of-another-program"), "");
  await using first = await privateTemporaryFolder();
  expect(existsSync(left)).toBe(false);
  await writeFile(join(first.path, "attachment"), "");
  vi.stubEnv("TMPDIR", parent.path);
  await using second = await privateTemporaryFolder();
  expect(second.path).not.toBe(first.path);
  expect(existsSync(join(first.path, "attachment"))).toBe(true);
  expect(existsSync(join(parent.path, "of-another-program"))).toBe(true);
});

test("a link that somebody put there is not followed", async () => {
  const target = join(parent.path, "precious");
  await mkdir(target);
  await writeFile(join(target, "file"), "");
  await symlink(target, join(parent.path, "waypost-temporary-link"));
  await using _folder = await privateTemporaryFolder();
  expect(await readdir(target)).toEqual(["file"]);
});

test("several starts at once get a folder each", async () => {
  const folders = await Promise.all(Array.from({ length: 8 }, () => privateTemporaryFolder()));
  expect(new Set(folders.map(({ path }) => path)).size).toBe(8);
  for (const { path } of folders) expect(existsSync(path)).toBe(true);
  for (const folder of folders) await folder[Symbol.asyncDispose]();
});

test("a folder for temporary files that does not exist is a configuration error", async () => {
  vi.stubEnv("TMPDIR", join(parent.path, "nowhere"));
  await expect(privateTemporaryFolder()).rejects.toMatchObject({
    name: "ConfigError",
    message: expect.stringContaining("TMPDIR, the folder for temporary files, cannot be used: ENOENT"),
  });
});
