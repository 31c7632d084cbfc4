import { join, resolve } from "node:path";
import { lockDataFolder } from "./data-lock.ts";
import { readStamp, writeStamp } from "./data-stamp.ts";
import { findServer } from "./find-server.ts";
import { endLeftover } from "./leftover-server.ts";
import type { Progress } from "./progress.ts";
import { becomePrimary, replicaSet } from "./replica-set.ts";
import { startServer } from "./server-process.ts";

/** What an embedded MongoDB is started with. */
export type EmbeddedMongoOptions = {
  /** The folder for its data, made if missing; kept between starts, used by one process at a time. */
  dataDir: string;
  /** The environment that decides where the server program comes from (`MONGOMS_SYSTEM_BINARY`, `PATH`, proxies). */
  env: NodeJS.ProcessEnv;
  progress: Progress;
  /** Abandons the start. A MongoDB that is up is stopped by disposing of it. */
  signal: AbortSignal;
};

/** A running MongoDB, a replica set of one on loopback. Disposing stops it cleanly and frees the data folder. */
export type EmbeddedMongo = AsyncDisposable & {
  /** Names no database; the driver's default applies. */
  uri: string;
  version: string;
  /** Resolves, with a sentence, when the server ends without having been asked to. */
  exited: Promise<string>;
};

/**
 * Starts a real mongod on the data folder, fetching the program first where there is none.
 * @throws EmbeddedMongoError whose message is meant for people; the signal's reason on abort
 */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const { env, progress, signal } = options;
  const dataDir = resolve(options.dataDir);
  const dbPath = join(dataDir, "mongodb");
  const began = performance.now();
  await using owned = new AsyncDisposableStack();
  owned.use(await lockDataFolder(dataDir));
  const stamp = await readStamp(dataDir);
  const mongod = await findServer({ env, dataVersion: stamp?.version, progress, signal });
  await endLeftover(dbPath, progress, signal);
  const server = owned.use(await startServer(mongod, dbPath, stamp?.port, signal));
  await writeStamp(dataDir, { version: mongod.version, port: server.port });
  await becomePrimary(server.port, signal);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
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
