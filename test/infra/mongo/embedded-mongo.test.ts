import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { commandLine } from "#infra/mongo/command-line.ts";
import { type EmbeddedMongo, startEmbeddedMongo } from "#infra/mongo/embedded-mongo.ts";
import { findServer } from "#infra/mongo/find-server.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { becomePrimary } from "#infra/mongo/replica-set.ts";
import { startServer } from "#infra/mongo/server-process.ts";
import { startChild } from "#test/support/child.ts";
import { databaseFolder } from "#test/support/temporary-folder.ts";

const holder = new URL("../../support/hold-embedded-mongo.child.ts", import.meta.url);

function start(dataDir: string, signal = AbortSignal.timeout(120_000)): Promise<EmbeddedMongo> {
  return startEmbeddedMongo({ dataDir, env: process.env, progress: silentProgress, signal });
}

async function write(uri: string, _id: number): Promise<void> {
  await using client = await MongoClient.connect(uri);
  const things = client.db("kept").collection<{ _id: number }>("things");
  await things.insertOne({ _id }, { writeConcern: { w: "majority", journal: true } });
}

async function read(uri: string): Promise<number[]> {
  await using client = await MongoClient.connect(uri);
  return await client.db("kept").collection<{ _id: number }>("things").distinct("_id");
}

/** The pid of the mongod that has a data folder open. */
async function serverOf(dataDir: string): Promise<number> {
  return Number(await readFile(join(dataDir, "mongodb", "mongod.lock"), "utf8"));
}

test("MongoDB keeps its data over restarts, on the same port, or on another if that is taken; a lost password is replaced", async () => {
  await using folder = await databaseFolder();
  let first: string;
  {
    await using mongo = await start(folder.path);
    first = mongo.uri;
    await write(mongo.uri, 1);
    await expectKept(folder.path, mongo);
    await expectClosed(mongo);
  }
  {
    await using mongo = await start(folder.path);
    expect(mongo.uri).toBe(first);
    await write(mongo.uri, 2);
    await expectClosed(mongo);
  }
  await rm(join(folder.path, "mongodb-password"));
  await using _taken = await listen(Number(new URL(first).port));
  await using mongo = await start(folder.path);
  expect(new URL(mongo.uri).port).not.toBe(new URL(first).port);
  expect(new URL(mongo.uri).password).not.toBe(new URL(first).password);
  await expectKept(folder.path, mongo);
  await write(mongo.uri, 3);
  expect(await read(mongo.uri)).toEqual([1, 2, 3]);
});

/** The password is kept in the data folder, for its owner only. */
async function expectKept(folder: string, { uri }: EmbeddedMongo): Promise<void> {
  const path = join(folder, "mongodb-password");
  expect(await readFile(path, "utf8")).toBe(`${new URL(uri).password}\n`);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
}

/** Without the password nobody reads, writes, reconfigures or becomes an administrator. */
async function expectClosed({ uri }: EmbeddedMongo): Promise<void> {
  const attempts = [
    { find: "things", $db: "kept" },
    { listDatabases: 1 },
    { insert: "things", documents: [{}] },
    { usersInfo: 1 },
    { createUser: "mallory", pwd: "mallory", roles: ["root"] },
    { replSetGetConfig: 1 },
    { shutdown: 1 },
  ];
  for (const attempt of attempts) expect(await asStranger(uri, attempt)).toBe("Unauthorized");
  const wrong = new URL(uri);
  wrong.password = "guessed";
  await expect(MongoClient.connect(wrong.href)).rejects.toMatchObject({ codeName: "AuthenticationFailed" });
}

test("MongoDB is a replica set of one that listens on loopback only, and exits on disposal", async () => {
  await using folder = await databaseFolder();
  let pid: number;
  {
    await using mongo = await start(folder.path);
    pid = await serverOf(folder.path);
    await using client = await MongoClient.connect(mongo.uri);
    const hello = await client.db("admin").command({ hello: 1 });
    expect(hello).toMatchObject({
      setName: "waypost",
      isWritablePrimary: true,
      hosts: [new URL(mongo.uri).host],
    });
    const { parsed } = await client.db("admin").command({ getCmdLineOpts: 1 });
    expect(parsed.net).toMatchObject({ bindIp: "127.0.0.1", compression: { compressors: "disabled" } });
    expect(parsed.storage.wiredTiger.engineConfig.cacheSizeGB).toBe(0.25);
    expect(await commandLine(pid)).toContain(folder.path);
  }
  expect(await commandLine(pid)).toBeUndefined();
});

/** Calls the server without a password. Resolves with the error's code name, or with what it answers. */
async function asStranger(uri: string, command: object): Promise<unknown> {
  const { host } = new URL(uri);
  await using client = await MongoClient.connect(`mongodb://${host}/?directConnection=true`);
  const answer = client.db("admin").command(command);
  return await answer.catch((error) => error.codeName);
}

test("data from before there was a password gets one, and loses users that anybody could have made", async () => {
  await using folder = await databaseFolder();
  const signal = AbortSignal.timeout(120_000);
  const { env } = process;
  const user = { createUser: "mallory", pwd: "mallory", roles: ["root"] };
  {
    const server = { env, dataVersion: undefined, progress: silentProgress, signal };
    await using open = await startServer(
      await findServer(server),
      join(folder.path, "mongodb"),
      { env },
      signal,
    );
    const uri = `mongodb://127.0.0.1:${open.port}/?directConnection=true`;
    await using client = await MongoClient.connect(uri);
    await becomePrimary(client, open.port, signal);
    await write(uri, 1);
    await client.db("admin").command(user);
    await client.db("kept").command({ ...user, roles: ["dbOwner"] });
  }
  await using mongo = await start(folder.path);
  expect(await read(mongo.uri)).toEqual([1]);
  expect(await asStranger(mongo.uri, { listDatabases: 1 })).toBe("Unauthorized");
  for (const database of ["admin", "kept"]) {
    const uri = new URL(mongo.uri);
    uri.username = "mallory";
    uri.password = "mallory";
    uri.searchParams.set("authSource", database);
    await expect(MongoClient.connect(uri.href)).rejects.toMatchObject({ codeName: "AuthenticationFailed" });
  }
});

test("a second start is refused with the owner's pid; after a kill of the first, the next stops its leftover mongod and has every acknowledged write", async () => {
  await using folder = await databaseFolder();
  await using killed = startChild(holder, [folder.path], { env: process.env });
  const [uri] = await killed.prints(/mongodb:\S+/);
  await expect(start(folder.path)).rejects.toMatchObject({
    name: "EmbeddedMongoError",
    code: "data_in_use",
    message: expect.stringContaining(`process ${killed.pid}`),
  });
  await write(uri, 1);
  const leftover = await serverOf(folder.path);
  await killed.kill();
  await using mongo = await start(folder.path);
  expect(await commandLine(leftover)).toBeUndefined();
  expect(await read(mongo.uri)).toEqual([1]);
});

test("data of another major version is refused with its version, and is not touched", async () => {
  await using folder = await databaseFolder();
  const stamp = JSON.stringify({ version: "4.4.29", port: 27_017 });
  await writeFile(join(folder.path, "mongodb.json"), stamp);
  await expect(start(folder.path)).rejects.toThrow("can open data written by 4.4.29");
  expect(await readFile(join(folder.path, "mongodb.json"), "utf8")).toBe(stamp);
});

test("exited resolves when mongod exits unexpectedly", async () => {
  await using folder = await databaseFolder();
  await using mongo = await start(folder.path);
  process.kill(await serverOf(folder.path), "SIGKILL");
  expect(await mongo.exited).toBe("mongod exited unexpectedly (SIGKILL)");
});

test("an aborted start leaves no mongod and releases the data folder", async () => {
  await using folder = await databaseFolder();
  await expect(start(folder.path, AbortSignal.abort(new Error("stopped by hand")))).rejects.toThrow(
    "stopped by hand",
  );
  const stop = new AbortController();
  const starting = start(folder.path, stop.signal);
  setImmediate(() => stop.abort(new Error("stopped by hand")));
  await expect(starting).rejects.toThrow("stopped by hand");
  await using mongo = await start(folder.path);
  expect(await read(mongo.uri)).toEqual([]);
});

/** Occupies a port and closes every connection. */
async function listen(port: number): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>(
    (resolve, reject) => void server.once("error", reject).listen(port, "127.0.0.1", resolve),
  );
  return server;
}
