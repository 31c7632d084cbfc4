import { join, resolve } from "node:path";
import { dataSecret } from "../data-secrets.ts";
import { admitUser, authenticatedUri, connectAsMember, newKeyFile } from "./authentication.ts";
import { lockDataFolder } from "./data-lock.ts";
import { readDataVersion, writeDataVersion } from "./data-version.ts";
import { findServer } from "./find-server.ts";
import { endLeftover } from "./leftover-server.ts";
import type { Progress } from "./progress.ts";
import { becomePrimary, replicaSet } from "./replica-set.ts";
import { type ServerOptions, type ServerProcess, startServer } from "./server-process.ts";
import type { Mongod } from "./server-version.ts";

export type EmbeddedMongoOptions = {
  /** The data folder, created if missing and kept between starts. Used by one process at a time. */
  dataDir: string;
  /** Decides which mongod runs and how it is downloaded (`MONGOMS_SYSTEM_BINARY`, `PATH`, proxies). */
  env: NodeJS.ProcessEnv;
  progress: Progress;
  /** Aborts the start. Disposal stops a MongoDB that is up. */
  signal: AbortSignal;
};

/**
 * A running MongoDB: a replica set of one, on loopback, with a password that is kept in the data folder. Disposal stops it
 * cleanly and releases the data folder.
 */
export type EmbeddedMongo = AsyncDisposable & {
  /** Includes the password. Names no database, so the driver's default applies. */
  uri: string;
  /** Ends the server at once, as a power cut would; what it acknowledged is in its journal. */
  kill(): Promise<void>;
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
  const password = (await dataSecret(dataDir, "mongodb-password")).value;
  const server = owned.use(
    await startAuthenticated(mongod, dbPath, { env, port: stamp?.port }, password, signal),
  );
  await writeDataVersion(dataDir, { version: mongod.version, port: server.port });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  progress.say(
    `MongoDB ${mongod.version} is up on 127.0.0.1:${server.port} (${seconds} s), data in ${dbPath}`,
  );
  const kept = owned.move();
  return {
    uri: authenticatedUri(server.port, replicaSet, password),
    version: mongod.version,
    exited: server.exited,
    kill: server.kill,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Resolves when the server is primary and the user can sign in. Until then nobody can. */
async function startAuthenticated(
  mongod: Mongod,
  dbPath: string,
  options: ServerOptions,
  password: string,
  signal: AbortSignal,
): Promise<ServerProcess> {
  await using keyFile = await newKeyFile();
  await using owned = new AsyncDisposableStack();
  const server = owned.use(await startServer(mongod, dbPath, { ...options, keyFile: keyFile.path }, signal));
  await using member = await connectAsMember(server.port, keyFile.key);
  await becomePrimary(member, server.port, signal);
  await admitUser(member, password);
  owned.move();
  return server;
}
