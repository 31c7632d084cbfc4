import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { findServer } from "#infra/mongo/find-server.ts";
import type { Progress } from "#infra/mongo/progress.ts";
import { becomePrimary, replicaSet } from "#infra/mongo/replica-set.ts";
import { startServer } from "#infra/mongo/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A mongod of the benchmark's own, on disk, started as the embedded one is. Disposal ends it. */
export interface BenchDatabase extends AsyncDisposable {
  pid: number;
  version: string;
  /** The address of a database on it. */
  uri(name: string): string;
  /** How often each command has run since the start, without those that no message asks for. */
  commands(): Promise<Record<string, number>>;
  /** What the programs' rows and their indexes take, without the oplog. */
  storedKb(): Promise<number>;
}

const startMs = 60_000;
/** Of the driver, the server and the benchmark itself. */
const notCounted =
  /^(hello|isMaster|ping|serverStatus|buildInfo|endSessions|killCursors|replSet\w+|refreshSessions\w*)$/;

const systemDatabases = new Set(["admin", "config", "local"]);

export async function startDatabase(progress: Progress): Promise<BenchDatabase> {
  await using owned = new AsyncDisposableStack();
  const folder = owned.use(await temporaryFolder());
  const signal = AbortSignal.timeout(15 * startMs);
  const program = await findServer({ env: process.env, dataVersion: undefined, progress, signal });
  const dbPath = join(folder.path, "mongodb");
  const server = owned.use(await startServer(program, dbPath, { env: process.env }, signal));
  const host = `mongodb://127.0.0.1:${server.port}`;
  const client = owned.use(new MongoClient(`${host}/?directConnection=true`));
  await becomePrimary(client, server.port, AbortSignal.timeout(startMs));
  const pid = Number(await readFile(join(dbPath, "mongod.lock"), "utf8"));
  const kept = owned.move();
  return {
    pid,
    version: program.version,
    uri: (name) => `${host}/${name}?replicaSet=${replicaSet}`,
    async commands() {
      const status = await client.db("admin").command({ serverStatus: 1 });
      const counts: Record<string, number> = {};
      for (const [name, { total }] of Object.entries<{ total?: number }>(status.metrics.commands)) {
        if (total && !notCounted.test(name)) counts[name] = total;
      }
      return counts;
    },
    async storedKb() {
      const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
      const own = databases.filter(({ name }) => !systemDatabases.has(name));
      const sizes = await Promise.all(own.map(({ name }) => client.db(name).stats()));
      return sizes.reduce((sum, { dataSize, indexSize }) => sum + dataSize + indexSize, 0) / 1_024;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
