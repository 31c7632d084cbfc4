import { access, constants, mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cachedServers, cacheFolder, keepServer, openWorkspace } from "#infra/mongo/server-cache.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

test("the cache folder follows the platform's convention", () => {
  expect(cacheFolder({}, "linux", "/home/ada")).toBe("/home/ada/.cache/waypost");
  expect(cacheFolder({ XDG_CACHE_HOME: "/var/cache/ada" }, "linux", "/home/ada")).toBe(
    "/var/cache/ada/waypost",
  );
  expect(cacheFolder({}, "darwin", "/Users/ada")).toBe("/Users/ada/Library/Caches/waypost");
  expect(cacheFolder({ LOCALAPPDATA: "/local" }, "win32", "/ada")).toBe("/local/waypost/Cache");
});

test("a cache that does not exist is empty", async () => {
  expect(await cachedServers("/nowhere/at/all")).toEqual([]);
});

test("concurrent installs of one version leave one complete, executable file", async () => {
  await using cache = await temporaryFolder();
  const content = "x".repeat(200_000);
  await Promise.all(Array.from({ length: 8 }, () => keepOne(cache.path, content)));
  const servers = await cachedServers(cache.path);
  expect(servers.map(({ version }) => version)).toEqual(["6.0.5"]);
  for (const { path } of servers) {
    expect(await readFile(path, "utf8")).toBe(content);
    await access(path, constants.X_OK);
  }
  expect(await readdir(cache.path)).toEqual(["mongod"]);
});

test("a download folder is removed after a day, and not before", async () => {
  await using cache = await temporaryFolder();
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  for (const name of ["unfinished-old", "unfinished-new"]) await mkdir(join(cache.path, name));
  await utimes(join(cache.path, "unfinished-old"), yesterday, yesterday);
  await using _workspace = await openWorkspace(cache.path);
  const names = await readdir(cache.path);
  expect(names).toContain("unfinished-new");
  expect(names).not.toContain("unfinished-old");
});

async function keepOne(cache: string, content: string): Promise<void> {
  await using workspace = await openWorkspace(cache);
  const path = join(workspace.path, "mongod");
  await writeFile(path, content);
  await keepServer(cache, { path, version: "6.0.5" });
}
