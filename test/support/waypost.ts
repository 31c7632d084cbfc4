import { randomBytes } from "node:crypto";
import { io, type Socket } from "socket.io-client";
import type { Timings } from "../../connector/timings.ts";
import { trustCertificate } from "../../infra/sandbox/certificate.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../infra/sandbox/sandbox.ts";
import { startWaypost } from "../../infra/waypost.ts";
import { type Config, readConfig } from "../../shared/config.ts";
import { collections } from "../../shared/database.ts";
import { createLog, type Logger } from "../../shared/log.ts";
import { Api } from "./api.ts";
import { type TcpProxy, tcpProxy } from "./tcp-proxy.ts";
import { testDatabase } from "./test-database.ts";

export const apiKey = "test_key_0123456789abcdefghij";

export interface TestOptions {
  timings?: Partial<Timings>;
  config?: Partial<Config>;
  sandbox?: SandboxOptions;
  /** Where the product's log goes; absent: nowhere, unless `LOG_LEVEL` is set. */
  log?: Logger;
  /** The product reaches the database over a wire that `wire.cut()` cuts. */
  isDatabaseCuttable?: boolean;
}

/** The whole product on a database of its own, with a sandbox for WhatsApp. */
export async function testWaypost(options: TestOptions = {}) {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await startSandbox(options.sandbox));
  trustCertificate(sandbox.mediaCa);
  const database = owned.use(await testDatabase());
  const wire = owned.use(await tcpProxy(Number(new URL(database.uri).port)));
  const mongoUri = options.isDatabaseCuttable ? over(wire, database.uri) : database.uri;
  const config = { ...testConfig(sandbox), ...options.config, mongoUri };
  const start = () =>
    startWaypost({
      config,
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
    async stop() {
      await running.waypost[Symbol.asyncDispose]();
    },
    async start() {
      running.waypost = await start();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export type TestWaypost = Awaited<ReturnType<typeof testWaypost>>;

/** Direct, since the replica set would tell the driver where it really is. */
function over(wire: TcpProxy, mongoUri: string): string {
  const address = new URL(mongoUri);
  address.port = String(wire.port);
  address.search = "?directConnection=true";
  return address.href;
}

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
