import { randomBytes } from "node:crypto";
import { io, type Socket } from "socket.io-client";
import type { Timings } from "#connector/timings.ts";
import { trustCertificate } from "#infra/sandbox/media/certificate.ts";
import { type SandboxOptions, startSandbox } from "#infra/sandbox/sandbox.ts";
import type { Sandbox } from "#infra/sandbox/sandbox-api.ts";
import { startWaypost } from "#infra/waypost.ts";
import { type Config, readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { createLog, type Logger } from "#shared/log.ts";
import { Api } from "./api.ts";
import { overProxy, tcpProxy } from "./tcp-proxy.ts";
import { testDatabase } from "./test-database.ts";

export const apiKey = "test_key_0123456789abcdefghij";

export interface TestOptions {
  timings?: Partial<Timings>;
  config?: Partial<Config>;
  sandbox?: SandboxOptions;
  /** Where the product's log goes; absent: nowhere, unless `LOG_LEVEL` is set. */
  log?: Logger;
  /** What the product reaches only over its wire, which the test can break. */
  wired?: "database" | "whatsapp";
  /** Another MongoDB than the one that all tests share. */
  mongoUri?: string;
}

/** The whole product on a database of its own, with a sandbox for WhatsApp. */
export async function testWaypost(options: TestOptions = {}) {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await startSandbox(options.sandbox));
  trustCertificate(sandbox.mediaCa);
  const database = owned.use(await testDatabase(options.mongoUri));
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
      timings: options.timings ?? {},
      sandboxUrl: sandbox.adminUrl,
    });
  const running = { waypost: await start() };
  owned.defer(() => running.waypost[Symbol.asyncDispose]());
  const api = () => new Api(running.waypost.url, apiKey);
  const sockets: Socket[] = [];
  owned.defer(() => void sockets.map((socket) => socket.close()));
  const kept = owned.move();
  return {
    sandbox,
    database,
    wire,
    config,
    collections: collections(database.db),
    api,
    get url() {
      return running.waypost.url;
    },
    /** A socket that is signed in. */
    socket() {
      const socket = io(running.waypost.url, { auth: { apiKey }, transports: ["websocket"] });
      sockets.push(socket);
      return socket;
    },
    /** Rejects when the connector cannot go on. */
    failed: () => running.waypost.failed,
    stop: () => running.waypost[Symbol.asyncDispose](),
    /** Again after `stop`, with these settings changed. */
    async start(changes?: Partial<Config>) {
      running.waypost = await start(changes);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export type TestWaypost = Awaited<ReturnType<typeof testWaypost>>;

function testConfig(sandbox: Sandbox): Config {
  const env = {
    API_KEY: apiKey,
    PORT: "0",
    ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    WHATSAPP_WEBSOCKET_URL: sandbox.websocketUrl,
    WHATSAPP_ROOT_KEY: sandbox.rootKey,
    CONNECTOR_ID: "test",
    SEND_RATE: "0",
    LOG_LEVEL: process.env.LOG_LEVEL ?? "silent",
  };
  return readConfig(env, "embedded");
}
