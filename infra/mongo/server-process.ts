import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { MongoInstance } from "mongodb-memory-server";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import { replicaSet } from "./replica-set.ts";
import type { Mongod } from "./server-version.ts";

/** A running mongod. `exited` resolves, with how, when it ends without having been asked to. */
export type ServerProcess = AsyncDisposable & { port: number; exited: Promise<string> };

const portAttemptsMax = 5;
/** After a kill it first replays its journal. */
const launchMs = 60_000;

/** Loopback needs no compression, and 6.0.5 leaks memory through the zlib one (CVE-2025-14847). */
const args = [
  ["--wiredTigerCacheSizeGB", "0.25"],
  ["--oplogSize", "512"],
  ["--networkMessageCompressors", "disabled"],
  ["--setParameter", "diagnosticDataCollectionEnabled=false"],
  ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"],
  process.platform === "win32" ? [] : ["--nounixsocket"],
].flat();

/**
 * Starts mongod on 127.0.0.1, on the wished port if it is free. It ends with this process, however that ends, and has a
 * process group of its own, so that Ctrl-C in the terminal does not take it away before its clients are done.
 * @throws EmbeddedMongoError `not_started` with what mongod said
 */
export async function startServer(
  server: Mongod,
  dbPath: string,
  wishedPort: number | undefined,
): Promise<ServerProcess> {
  await mkdir(dbPath, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? wishedPort : undefined);
    try {
      return await launch(server, dbPath, port);
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes("already in use");
      if (isTaken && attempt < portAttemptsMax) continue;
      const reason = error instanceof Error ? error.message : String(error);
      throw new EmbeddedMongoError(
        "not_started",
        `MongoDB ${server.version} (${server.path}) did not start: ${reason}`,
        { cause: error },
      );
    }
  }
}

async function launch(server: Mongod, dbPath: string, port: number): Promise<ServerProcess> {
  const instance = new MongoInstance({
    instance: {
      port,
      ip: "127.0.0.1",
      dbPath,
      replSet: replicaSet,
      storageEngine: "wiredTiger",
      args,
      launchTimeout: launchMs,
    },
    binary: { systemBinary: server.path, version: server.version },
    spawn: { detached: true, windowsHide: true },
  });
  await instance.start();
  let isStopping = false;
  const exited = new Promise<string>((resolve) => {
    instance.mongodProcess?.once("exit", (code, signal) => {
      if (!isStopping) resolve(`mongod ended (${signal ?? `code ${code}`})`);
    });
  });
  const stop = async () => {
    isStopping = true;
    await instance.stop();
  };
  return { port, exited, [Symbol.asyncDispose]: stop };
}

/** The wished port if nobody listens there, else any free one. */
async function freePort(wished: number | undefined): Promise<number> {
  return (await tryPort(wished ?? 0)) ?? (await tryPort(0)) ?? Promise.reject(new Error("no port is free"));
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(undefined));
    probe.listen(port, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
