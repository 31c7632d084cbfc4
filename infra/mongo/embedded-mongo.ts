import { join, resolve } from "node:path";
import { lockDataFolder } from "./data-lock.ts";
import { readDataVersion, writeDataVersion } from "./data-version.ts";
import { findServer } from "./find-server.ts";
import { endLeftover } from "./leftover-server.ts";
import type { Progress } from "./progress.ts";
import { becomePrimary, replicaSet } from "./replica-set.ts";
import { startServer } from "./server-process.ts";

export type EmbeddedMongoOptions = {
  /** The data folder, created if missing and kept between starts. Used by one process at a time. */
  dataDir: string;
  /** Decides which mongod runs and how it is downloaded (`MONGOMS_SYSTEM_BINARY`, `PATH`, proxies). */
  env: NodeJS.ProcessEnv;
  progress: Progress;
  /** Aborts the start. Disposal stops a MongoDB that is up. */
  signal: AbortSignal;
};

/** A running MongoDB: a replica set of one, on loopback. Disposal stops it cleanly and releases the data folder. */
export type EmbeddedMongo = AsyncDisposable & {
  /** Names no database, so the driver's default applies. */
  uri: string;
  version: string;
  /** Resolves with a sentence when the server exits unexpectedly. */
  exited: Promise<string>;
};

/**
 * Starts a real mongod on the data folder, and downloads one first if none is installed.
 * @throws EmbeddedMongoError; the signal's reason on abort
 */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const { env, progress, signal } = options;
  const dataDir = resolve(options.dataDir);
  const dbPath = join(dataDir, "mongodb");
  const startedAt = performance.now();
  await using owned = new AsyncDisposableStack();
  owned.use(await lockDataFolder(dataDir));
  const stamp = await readDataVersion(dataDir);
  const mongod = await findServer({ env, dataVersion: stamp?.version, progress, signal });
  await endLeftover(dbPath, progress, signal);
  const server = owned.use(await startServer(mongod, dbPath, stamp?.port, signal));
  await writeDataVersion(dataDir, { version: mongod.version, port: server.port });
  await becomePrimary(server.port, signal);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  progress.say(
    `MongoDB ${mongod.version} is up on 127.0.0.1:${server.port} (${seconds} s), data in ${dbPath}`,
  );
  const kept = owned.move();
  return {
    uri: `mongodb://127.0.0.1:${server.port}/?replicaSet=${replicaSet}`,
    version: mongod.version,
    exited: server.exited,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
