import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Db, MongoClient } from "mongodb";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { type Collections, collections } from "#shared/database.ts";
import { Api } from "../support/api.ts";
import { type TestReplicaSet, testReplicaSet } from "../support/replica-set.ts";
import { NodeProcess } from "./node-process.ts";

/** Everything that runs: a database of three, a simulated WhatsApp, and the product's own processes around them. */
export interface System extends AsyncDisposable {
  mongo: TestReplicaSet;
  sandbox: Sandbox;
  functions: NodeProcess[];
  connectors: NodeProcess[];
  db: Db;
  collections: Collections;
  /** Where the processes' logs are. */
  folder: string;
  /** The HTTP API through one of the functions processes. */
  api(index: number): Api;
  /** They are kept, unless this is called: whatever fails, they say why. */
  forgetLogs(): void;
}

export interface SystemOptions {
  functions: number;
  connectors: number;
  electionTimeoutMs: number;
  say(line: string): void;
}

export const apiKey = "chaos_key_0123456789abcdefghij";

const functionsMain = new URL("../../functions/platforms/node/main.ts", import.meta.url);
const connectorMain = new URL("../../connector/main.ts", import.meta.url);

export async function startSystem(options: SystemOptions): Promise<System> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "waypost-chaos-"));
  let isKept = true;
  owned.defer(() => (isKept ? undefined : rm(folder, { recursive: true, force: true })));
  const guard = owned.use(startGuard());
  const mongo = owned.use(await testReplicaSet({ electionTimeoutMs: options.electionTimeoutMs }));
  options.say("MongoDB: three members, one primary");
  const sandbox = owned.use(await startSandbox());
  const client = owned.use(new MongoClient(`${mongo.uri}&w=majority`, { serverSelectionTimeoutMS: 60_000 }));
  const start = async (name: string, main: URL, env: NodeJS.ProcessEnv, whatsappPort?: number) => {
    const logPath = join(folder, `${name}.log`);
    const ways = whatsappPort === undefined ? {} : { whatsappPort };
    return owned.use(
      await NodeProcess.start({ name, main, mongoUri: mongo.uri, env, logPath, guard, ...ways }),
    );
  };
  const functions = await times(options.functions, (index) =>
    start(`functions-${index}`, functionsMain, { API_KEY: apiKey }),
  );
  const env = { ENCRYPTION_KEY: randomBytes(32).toString("base64"), WHATSAPP_ROOT_KEY: sandbox.rootKey };
  const websocketPort = Number(new URL(sandbox.websocketUrl).port);
  const connectors = await times(options.connectors, (index) =>
    start(`connector-${index}`, connectorMain, env, websocketPort),
  );
  await Promise.all([...functions, ...connectors].map((each) => each.listening()));
  options.say(
    `${options.functions} functions and ${options.connectors} connectors listen, logs in ${folder}`,
  );
  const kept = owned.move();
  const db = client.db();
  return {
    ...{ mongo, sandbox, functions, connectors, db, collections: collections(db), folder },
    api: (index) => new Api(functions[index % functions.length]?.url ?? "", apiKey),
    forgetLogs() {
      isKept = false;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** A process that kills what is left when this one goes without a word. */
function startGuard() {
  const main = fileURLToPath(new URL("./child-guard.child.ts", import.meta.url));
  const running = spawn(process.execPath, [main], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  running.on("error", () => undefined).unref();
  running.stdin.on("error", () => undefined);
  return {
    add: (pid: number) => void running.stdin.write(`+${pid}\n`),
    remove: (pid: number) => void running.stdin.write(`-${pid}\n`),
    [Symbol.dispose]: () => void running.stdin.end(),
  };
}
