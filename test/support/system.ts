import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import { io, type Socket } from "socket.io-client";
import type { Timings } from "#connector/timings.ts";
import { serveFunctions } from "#functions/platforms/node/serve.ts";
import { startWaypost } from "#infra/all-in-one.ts";
import { trustCertificate } from "#infra/sandbox/media/certificate.ts";
import { type SandboxOptions, startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { type Config, readConfig } from "#shared/config.ts";
import { type Collections, collections } from "#shared/database.ts";
import { createLog, type Logger } from "#shared/log.ts";
import { Api } from "./api.ts";
import { type Child, startChild } from "./child.ts";
import { lockGuard } from "./lock-guard.ts";
import type { TestReplicaSet } from "./replica-set.ts";
import type { Runtime } from "./runtime.ts";
import { startSupervised } from "./supervised.ts";
import { overProxy, tcpProxy } from "./tcp-proxy.ts";
import { type TestDatabase, testDatabase } from "./test-database.ts";

export const apiKey = "test_key_0123456789abcdefghij";

interface WorldOptions {
  /** The servers to use. Absent: a fresh database on the MongoDB that all tests share. */
  database?: Pick<TestReplicaSet, "uri">;
  sandbox?: SandboxOptions;
}

/** The whole product in the process of the test: starts fastest. */
export interface OneProcessOptions extends WorldOptions {
  processes?: "one";
  timings?: Partial<Timings>;
  config?: Partial<Config>;
  /** The product's logger. Absent: silent, unless `LOG_LEVEL` is set. */
  log?: Logger;
  /** The server that the product reaches only over `wire`, a proxy that the test can break. */
  wired?: "database" | "whatsapp";
}

/** The functions in the process of the test; the test starts each connector in its own process. */
interface ConnectorsOptions extends WorldOptions {
  processes: "connectors";
  /** The timings of every connector. */
  timings?: Partial<Timings>;
}

/** Every part in its own process, which is restarted when it exits and reaches both servers over breakable proxies. */
interface SupervisedOptions extends WorldOptions {
  processes: "supervised";
  database: TestReplicaSet;
  functions: number;
  connectors: number;
  /** The runtime of the connectors. */
  connectorRuntime: Runtime;
}

/** The two servers that the product depends on, and the collections of its database. */
export interface World {
  sandbox: Sandbox;
  database: Omit<TestDatabase, typeof Symbol.asyncDispose>;
  collections: Collections;
}

/** The part of a system that does not depend on how many processes it runs in. */
export interface System extends World {
  api(): Api;
}

export type OneProcess = Awaited<ReturnType<typeof startOneProcess>>;
export type SupervisedProcesses = Awaited<ReturnType<typeof startSupervisedProcesses>>;

/** Starts the product with a simulated WhatsApp. Disposal ends both, and drops the database unless it was given. */
export function startSystem(options: SupervisedOptions): Promise<SupervisedProcesses>;
export function startSystem(options: ConnectorsOptions): ReturnType<typeof startConnectors>;
export function startSystem(options?: OneProcessOptions): Promise<OneProcess>;
export function startSystem(
  options: OneProcessOptions | ConnectorsOptions | SupervisedOptions = {},
): Promise<AsyncDisposable> {
  if (options.processes === "supervised") return startSupervisedProcesses(options);
  if (options.processes === "connectors") return startConnectors(options);
  return startOneProcess(options);
}

async function startOneProcess({ timings = {}, ...options }: OneProcessOptions) {
  await using owned = new AsyncDisposableStack();
  owned.use(lockGuard());
  const world = await startWorld(owned, options);
  const { sandbox, database } = world;
  const server = options.wired === "database" ? database.uri : sandbox.websocketUrl;
  const wire = owned.use(await tcpProxy(Number(new URL(server).port)));
  const mongoUri = options.wired === "database" ? overProxy(wire, database.uri) : database.uri;
  const config = { ...testConfig(sandbox), ...options.config, mongoUri };
  if (options.wired === "whatsapp" && config.whatsapp.server) {
    config.whatsapp.server.websocketUrl = `ws://127.0.0.1:${wire.port}/ws/chat`;
  }
  const start = (changes: Partial<Config> = {}) =>
    startWaypost({
      config: { ...config, ...changes, mongoUri },
      log: options.log ?? createLog(config.logLevel),
      timings,
      sandboxUrl: sandbox.adminUrl,
    });
  const running = { waypost: await start() };
  owned.defer(() => running.waypost[Symbol.asyncDispose]());
  const sockets: Socket[] = [];
  owned.defer(() => void sockets.map((socket) => socket.close()));
  const kept = owned.move();
  return {
    ...world,
    wire,
    config,
    get url() {
      return running.waypost.url;
    },
    api: () => new Api(running.waypost.url, apiKey),
    /** Opens an authenticated Socket.io connection. */
    socket() {
      const socket = io(running.waypost.url, { auth: { apiKey }, transports: ["websocket"] });
      sockets.push(socket);
      return socket;
    },
    /** Rejects when the connector fails for good. */
    failed: () => running.waypost.failed,
    stop: () => running.waypost[Symbol.asyncDispose](),
    /** Restarts the product after `stop`, with these settings changed. */
    async start(changes?: Partial<Config>) {
      running.waypost = await start(changes);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const connectorMain = new URL("../../connector/main.ts", import.meta.url);
const rotateKeysMain = new URL("../../connector/rotate-keys.ts", import.meta.url);
const setTimings = new URL("./set-timings.child.ts", import.meta.url);

/** A connector in its own process, and its URL. */
export type ConnectorProcess = Child & { url: string };

async function startConnectors({ timings, ...options }: ConnectorsOptions) {
  await using owned = new AsyncDisposableStack();
  const world = await startWorld(owned, options);
  const config = readConfig({ MONGO_URI: world.database.uri, PORT: "0", API_KEY: apiKey }, "functions");
  const functions = owned.use(await serveFunctions(config, createLog("silent")));
  const env = {
    ...{ MONGO_URI: world.database.uri, PORT: "0", API_KEY: apiKey, SEND_RATE: "0" },
    ...sandboxSettings(world.sandbox),
    ...(timings && { TEST_TIMINGS: JSON.stringify(timings) }),
  };
  const kept = owned.move();
  return {
    ...world,
    api: () => new Api(functions.url, apiKey),
    /** Starts a connector under this name; resolves when it listens. `preload` runs in its process before it does. */
    async start(name: string, settings: NodeJS.ProcessEnv = {}, preload?: URL): Promise<ConnectorProcess> {
      const preloads = [...(timings ? [setTimings] : []), ...(preload ? [preload] : [])];
      const NODE_OPTIONS = preloads.map(({ href }) => `--import=${href}`).join(" ");
      const childEnv = { ...env, CONNECTOR_ID: name, NODE_OPTIONS, ...settings };
      const child = kept.use(startChild(connectorMain, [], { env: childEnv }));
      const [, url = ""] = await child.prints(/"url":"([^"]+)"[^\n]*connector listens/);
      return Object.assign(child, { url });
    },
    /** Runs `npm run rotate-keys` with these keys. */
    async rotateKeys(keys: string) {
      const rotationEnv = { MONGO_URI: world.database.uri, ENCRYPTION_KEY: keys };
      await using child = startChild(rotateKeysMain, [], { env: rotationEnv });
      return { code: await child.ended, out: child.out };
    },
    /** The name of the live connector that owns the channel while it is active; null if there is none. */
    async activeAt(channelId: string): Promise<string | null> {
      const { channels, connectors } = world.collections;
      const channel = await channels.findOne({ _id: channelId, status: "active" });
      const owner = await connectors.findOne({ _id: channel?.owner.connector ?? "" });
      return owner && owner.state !== "dead" ? owner.name : null;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function startSupervisedProcesses(options: SupervisedOptions) {
  await using owned = new AsyncDisposableStack();
  const world = await startWorld(owned, options);
  const { sandbox } = world;
  const processes = owned.use(
    await startSupervised({
      ...options,
      mongoUri: options.database.uri,
      whatsappPort: Number(new URL(sandbox.websocketUrl).port),
      functionsEnv: { API_KEY: apiKey },
      connectorsEnv: sandboxSettings(sandbox),
    }),
  );
  const { functions, connectors, folder, forgetLogs } = processes;
  const kept = owned.move();
  return {
    ...{ ...world, mongo: options.database, functions, connectors, folder, forgetLogs },
    /** The HTTP API of one of the functions processes. */
    api: (index = 0) => new Api(functions[index % functions.length]?.url ?? "", apiKey),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Shows why a handler of the sandbox failed, which its counter `handlerErrors` does not say. */
const showFailure = (line: string) => {
  if (line.startsWith("error:")) process.stderr.write(`sandbox: ${line}\n`);
};

async function startWorld(owned: AsyncDisposableStack, options: WorldOptions): Promise<World> {
  const sandbox = owned.use(await startSandbox({ log: showFailure, ...options.sandbox }));
  trustCertificate(sandbox.mediaCa);
  const database = owned.use(await (options.database ? databaseOf(options.database) : testDatabase()));
  return { sandbox, database, collections: collections(database.db) };
}

/** Connects to the database in the URI. Disposal closes the client but drops nothing: the servers are the caller's. */
export async function databaseOf({ uri }: Pick<TestReplicaSet, "uri">): Promise<TestDatabase> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 60_000, w: "majority" });
  return { client, db: client.db(), uri, [Symbol.asyncDispose]: () => client.close() };
}

const sandboxSettings = (sandbox: Sandbox) => ({
  ENCRYPTION_KEY: randomBytes(32).toString("base64"),
  WHATSAPP_WEBSOCKET_URL: sandbox.websocketUrl,
  WHATSAPP_ROOT_KEY: sandbox.rootKey,
});

function testConfig(sandbox: Sandbox): Config {
  const env = {
    ...{ API_KEY: apiKey, PORT: "0", CONNECTOR_ID: "test", SEND_RATE: "0" },
    ...sandboxSettings(sandbox),
    LOG_LEVEL: process.env.LOG_LEVEL ?? "silent",
  };
  return readConfig(env, "embedded");
}
