import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { findServer } from "#infra/mongo/find-server.ts";
import { freePort } from "#infra/mongo/free-port.ts";
import { type Progress, silentProgress } from "#infra/mongo/progress.ts";
import { replicaSet } from "#infra/mongo/replica-set.ts";
import { type ServerProcess, startServer } from "#infra/mongo/server-process.ts";
import type { Mongod } from "#infra/mongo/server-version.ts";
import { eventually } from "./eventually.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface ReplicaSetOptions {
  /** How soon the other members notice that the primary is down; MongoDB's default is 10 s. */
  electionTimeoutMs?: number;
  progress?: Progress;
}

/** A replica set of three mongods on loopback, with temporary data folders. Disposal ends them. */
export interface TestReplicaSet extends AsyncDisposable {
  /** Includes the database, `waypost`. */
  uri: string;
  /** Kills the primary, as a power cut would. Resolves with its port, for `restart`. */
  killPrimary(): Promise<number>;
  /** Makes the primary step down, so that another member is elected; no process ends. */
  stepDown(): Promise<void>;
  /** Kills two members at once, which leaves the third read-only. Resolves with their ports. */
  killMajority(): Promise<number[]>;
  /** Restarts a killed member on its data. */
  restart(port: number): Promise<void>;
  /** Waits until a primary is elected and every member is up. */
  whole(): Promise<void>;
}

const membersCount = 3;
const startMs = 120_000;

/** Resolves once a primary is elected and both other members follow it. */
export async function testReplicaSet(options: ReplicaSetOptions = {}): Promise<TestReplicaSet> {
  await using owned = new AsyncDisposableStack();
  const folder = owned.use(await temporaryFolder());
  const members = new Map<number, ServerProcess>();
  owned.defer(() => endAll(members));
  const signal = AbortSignal.timeout(startMs);
  const progress = options.progress ?? silentProgress;
  const program = await findServer({ env: process.env, dataVersion: undefined, progress, signal });
  const dbPath = (index: number) => join(folder.path, `member-${index}`);
  const starting = Array.from({ length: membersCount }, (_, index) =>
    startServer(program, dbPath(index), { env: process.env }, signal),
  );
  const started = await Promise.allSettled(starting);
  const ports: number[] = [];
  for (const outcome of started) {
    if (outcome.status === "rejected") throw outcome.reason;
    members.set(outcome.value.port, outcome.value);
    ports.push(outcome.value.port);
  }
  await initiate(ports, options.electionTimeoutMs ?? 10_000);
  const uri = `mongodb://${ports.map((port) => `127.0.0.1:${port}`).join(",")}/waypost?replicaSet=${replicaSet}`;
  const client = owned.use(new MongoClient(uri, { serverSelectionTimeoutMS: 30_000 }));
  const kill = async (port: number) => {
    await members.get(port)?.kill();
    members.delete(port);
    return port;
  };
  const whole = () => eventually(() => isWhole(client), { withinMs: 90_000, everyMs: 100 });
  await whole();
  const kept = owned.move();
  return {
    uri,
    killPrimary: async () => kill(await primaryPort(client)),
    async stepDown() {
      await client.db("admin").command({ replSetStepDown: 20, secondaryCatchUpPeriodSecs: 10 });
    },
    async killMajority() {
      const primary = await primaryPort(client);
      const other = ports.find((port) => port !== primary && members.has(port)) ?? primary;
      return Promise.all([primary, other].map(kill));
    },
    async restart(port) {
      members.set(port, await startOn(program, dbPath(ports.indexOf(port)), port));
    },
    whole: async () => void (await whole()),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function endAll(members: Map<number, ServerProcess>): Promise<void> {
  await Promise.all([...members.values()].map((member) => member[Symbol.asyncDispose]()));
}

async function initiate(ports: readonly number[], electionTimeoutMs: number): Promise<void> {
  await using client = new MongoClient(`mongodb://127.0.0.1:${ports[0]}/?directConnection=true`);
  const members = ports.map((port, index) => ({ _id: index, host: `127.0.0.1:${port}` }));
  const settings = { electionTimeoutMillis: electionTimeoutMs };
  await client.db("admin").command({ replSetInitiate: { _id: replicaSet, members, settings } });
}

async function primaryPort(client: MongoClient): Promise<number> {
  const { me } = await client.db("admin").command({ hello: 1 });
  return Number(String(me).split(":").at(-1));
}

async function isWhole(client: MongoClient): Promise<boolean> {
  const { members } = await client.db("admin").command({ replSetGetStatus: 1 });
  const states = (members as { stateStr: string }[]).map(({ stateStr }) => stateStr).toSorted();
  return states.join() === "PRIMARY,SECONDARY,SECONDARY";
}

/** Starts a member on exactly this port, which identifies it in the set. Waits if another process briefly holds it. */
async function startOn(program: Mongod, dbPath: string, port: number): Promise<ServerProcess> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if ((await freePort(port)) === port)
      return startServer(program, dbPath, { env: process.env, port }, AbortSignal.timeout(startMs));
    await delay(200);
  }
  throw new Error(`port ${port} is taken`);
}
