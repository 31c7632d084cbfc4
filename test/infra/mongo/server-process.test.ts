import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { connectAsMember, newKeyFile } from "#infra/mongo/authentication.ts";
import { commandLine } from "#infra/mongo/command-line.ts";
import { findServer } from "#infra/mongo/find-server.ts";
import { silentProgress } from "#infra/mongo/progress.ts";
import { becomePrimary } from "#infra/mongo/replica-set.ts";
import { startServer } from "#infra/mongo/server-process.ts";
import type { Mongod } from "#infra/mongo/server-version.ts";
import { startChild } from "#test/support/child.ts";
import { eventually } from "#test/support/eventually.ts";
import { tcpProxy } from "#test/support/tcp-proxy.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

const { env } = process;
const signal = new AbortController().signal;
const holder = new URL("../../support/hold-embedded-mongo.child.ts", import.meta.url);

function mongod(): Promise<Mongod> {
  return findServer({ env: process.env, dataVersion: undefined, progress: silentProgress, signal });
}

test("a second mongod on the same database fails with mongod's own reason", async () => {
  await using folder = await temporaryFolder();
  await using _first = await startServer(await mongod(), folder.path, { env }, signal);
  const second = startServer(await mongod(), folder.path, { env }, signal);
  await expect(second).rejects.toMatchObject({
    code: "not_started",
    message: expect.stringContaining("DBPathInUse"),
  });
});

test("a mongod that cannot be executed fails with the system's reason", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "mongod");
  await writeFile(path, "");
  await chmod(path, 0o600);
  const start = startServer({ path, version: "6.0.5" }, folder.path, { env }, signal);
  await expect(start).rejects.toThrow("EACCES");
});

test("nobody becomes the administrator of a new mongod before its user exists", async () => {
  await using folder = await temporaryFolder();
  await using keyFile = await newKeyFile();
  await using server = await startServer(await mongod(), folder.path, { env, keyFile: keyFile.path }, signal);
  const uri = `mongodb://127.0.0.1:${server.port}/?directConnection=true`;
  await using stranger = await MongoClient.connect(uri);
  const { host } = new URL(uri);
  for (const command of [
    { replSetInitiate: { _id: "waypost", members: [{ _id: 0, host }] } },
    { createUser: "mallory", pwd: "mallory", roles: ["root"] },
  ])
    await expect(stranger.db("admin").command(command)).rejects.toMatchObject({ codeName: "Unauthorized" });
  await expect(connectAsMember(server.port, "guessed")).rejects.toMatchObject({
    codeName: "AuthenticationFailed",
  });
  await using member = await connectAsMember(server.port, keyFile.key);
  const { authInfo } = await member.db("admin").command({ connectionStatus: 1 });
  expect(authInfo.authenticatedUsers).toEqual([{ user: "__system", db: "local" }]);
});

test("a transaction takes mongod at most 150 KB of memory", async () => {
  const transactions = 200;
  await using folder = await temporaryFolder();
  await using server = await startServer(await mongod(), folder.path, { env }, signal);
  const uri = `mongodb://127.0.0.1:${server.port}/?directConnection=true`;
  await using client = await MongoClient.connect(uri, { maxPoolSize: 2 });
  await becomePrimary(client, server.port, signal);
  const rows = client.db("test").collection("rows");
  const allocated = async () => {
    const { tcmalloc } = await client.db("admin").command({ serverStatus: 1 });
    return tcmalloc.generic.current_allocated_bytes;
  };
  const open = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const session = client.startSession();
      session.startTransaction();
      await rows.insertOne({}, { session });
    }
  };
  await rows.insertOne({});
  await open(20);
  const before = await allocated();
  await open(transactions);
  expect((await allocated()) - before).toBeLessThan(transactions * 150_000);
});

test("a preferred port that is taken is replaced by another", async () => {
  await using folder = await temporaryFolder();
  await using other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const taken = typeof address === "object" ? address?.port : undefined;
  await using server = await startServer(await mongod(), folder.path, { env, port: taken }, signal);
  expect(server.port).not.toBe(taken);
});

test("mongod exits when the process that started it is killed", async ({ skip }) => {
  if (process.platform === "win32") skip("Windows does not show command lines");
  await using folder = await temporaryFolder();
  await using killed = startChild(holder, [folder.path], { env: process.env });
  await killed.prints(/mongodb:/);
  const pid = Number(await readFile(join(folder.path, "mongodb", "mongod.lock"), "utf8"));
  expect(await commandLine(pid)).toContain(folder.path);
  await killed.kill();
  await eventually(async () => (await commandLine(pid)) === undefined);
});

test("a mongod on a new port becomes primary though it closes connections while it finds itself removed", async () => {
  await using folder = await temporaryFolder();
  const start = () => startServer(mongodOnce, folder.path, { env }, signal);
  const mongodOnce = await mongod();
  {
    await using server = await start();
    await using client = await MongoClient.connect(direct(server.port));
    await becomePrimary(client, server.port, signal);
  }
  await using server = await start();
  const closing = ["replSetGetConfig", "replSetReconfig", "hello"];
  await using proxy = await tcpProxy(server.port, () => (bytes) => {
    const [next] = closing;
    if (next === undefined || !bytes.includes(next)) return;
    closing.shift();
    proxy.cut();
    void proxy.mend();
  });
  await using client = await MongoClient.connect(direct(proxy.port));
  await becomePrimary(client, server.port, signal);
  expect((await client.db("admin").command({ hello: 1 })).isWritablePrimary).toBe(true);
});

function direct(port: number): string {
  return `mongodb://127.0.0.1:${port}/?directConnection=true`;
}
