import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { freePort } from "#infra/mongo/free-port.ts";
import { apiKey } from "./client.ts";
import type { BenchDatabase } from "./database.ts";
import { Program, type Runtime } from "./program.ts";
import { runtimeNamed } from "./runtimes.ts";

export interface ProductOptions {
  name: string;
  /** Runs the connector; functions of their own always run on Node. */
  runtime: Runtime;
  database: BenchDatabase;
  /** Name of its database and of its data folder. */
  databaseName: string;
  folder: string;
  whatsapp: { websocketUrl: string; rootKey: string };
  /** Functions and connector as two processes. */
  isSplit: boolean;
}

const mains = {
  all: new URL("../../infra/main.ts", import.meta.url),
  functions: new URL("../../functions/platforms/node/main.ts", import.meta.url),
  connector: new URL("../../connector/main.ts", import.meta.url),
};

/** Every script of `package.json` preloads it: restarts use the code that was compiled before. */
const preload = new URL("../../infra/node-24.js", import.meta.url);

/** Starts Waypost as it is released. Only its own limits are out of the way: how fast and how many. */
export async function startProduct(options: ProductOptions): Promise<Program> {
  const { name, runtime, database, databaseName, folder, whatsapp, isSplit } = options;
  const env = {
    MONGO_URI: database.uri(databaseName),
    DATA_DIR: join(folder, databaseName),
    API_KEY: apiKey,
    LOG_LEVEL: "error",
    NODE_ENV: "production",
    NODE_OPTIONS: `--import ${preload.href}`,
  };
  const connectorEnv = {
    ...env,
    ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    CONNECTOR_ID: `bench-${databaseName}`,
    WHATSAPP_WEBSOCKET_URL: whatsapp.websocketUrl,
    WHATSAPP_ROOT_KEY: whatsapp.rootKey,
    SEND_RATE: "0",
    MAX_CHANNELS: "10000",
  };
  const spec = async (main: URL, runner: Runtime, settings: NodeJS.ProcessEnv) => {
    const port = await freePort(undefined);
    return {
      main,
      runtime: runner,
      env: { ...settings, PORT: String(port) },
      url: `http://127.0.0.1:${port}`,
    };
  };
  const connector = await spec(isSplit ? mains.connector : mains.all, runtime, connectorEnv);
  return Program.start({
    name,
    database,
    processes: isSplit ? [await spec(mains.functions, runtimeNamed("node"), env), connector] : [connector],
  });
}
