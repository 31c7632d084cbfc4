import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectorMongoClient } from "#connector/mongo-client.ts";
import { surviveRejections } from "#connector/unhandled-rejections.ts";
import { type Config, readConfig } from "#shared/config.ts";
import { collections } from "#shared/database.ts";
import { createLog, type Logger } from "#shared/log.ts";
import { runMain, StoppedEarlyError } from "#shared/run-main.ts";
import { privateTemporaryFolder } from "#shared/temporary-folder.ts";
import { startWaypost } from "./all-in-one.ts";
import { withStoredApiKey } from "./api-key-file.ts";
import { makeDataFolder } from "./data-folder.ts";
import { assertOwnDatabaseKeys, embeddedConfig } from "./embedded-config.ts";
import { startEmbeddedMongo } from "./mongo/embedded-mongo.ts";
import { EmbeddedMongoError } from "./mongo/embedded-mongo-error.ts";
import { terminalProgress } from "./mongo/progress.ts";
import { offerQrCodes } from "./offer-qr-codes.ts";
import { startSandbox } from "./sandbox/sandbox.ts";
import type { Sandbox } from "./sandbox/sandbox-api.ts";
import { withSandbox } from "./sandbox-config.ts";

/** How long after a stop is requested MongoDB may run: a second longer than the connector, and all within 30 s. */
const mongoStopMs = 26_000;
/** How long the rest may take when MongoDB hung and was killed: it waits for nothing but its own retries then. */
const afterKillMs = 2_500;
const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** `npm start`: runs everything in one process; with `--sandbox`, next to a simulated WhatsApp. */
await runMain(async (stopRequested, env) => {
  const config = readConfig(env, "embedded");
  const log = createLog(config.logLevel);
  surviveRejections(log);
  const isSandbox = process.argv.includes("--sandbox");
  const folder = resolve(config.dataDir ?? join(packageFolder, ".data"));
  await using _temporary = await privateTemporaryFolder();
  void stopRequested.then(() => say("Stopping…"));
  const killed = Promise.withResolvers<void>();
  const dataDir = isSandbox ? join(folder, "sandbox") : folder;
  const start = { config, log, stopRequested, dataDir, onServerKilled: killed.resolve };
  await Promise.race([run(start, isSandbox), killed.promise.then(() => delay(afterKillMs))]);
});

async function run(start: Start, isSandbox: boolean): Promise<void> {
  const { mongoUri } = start.config;
  if (isSandbox) await runWithSandbox(start);
  else if (mongoUri) await runOnOwnDatabase({ ...start, mongoUri });
  else await runEmbedded(start);
}

interface Start {
  config: Config;
  log: Logger;
  /** Resolves at SIGTERM or SIGINT. */
  stopRequested: Promise<unknown>;
  dataDir: string;
  /** Called when the embedded MongoDB did not stop in time and was killed. */
  onServerKilled(): void;
}

async function runOnOwnDatabase({
  config,
  log,
  stopRequested,
  dataDir,
  mongoUri,
}: Start & { mongoUri: string }): Promise<void> {
  assertOwnDatabaseKeys(config);
  const complete = await embeddedConfig(config, mongoUri, dataDir);
  await using waypost = await startWaypost({ config: complete.config, log });
  greet([...complete.lines, `Waypost: ${waypost.url}`]);
  await Promise.race([stopRequested, waypost.failed]);
}

async function runEmbedded(start: Start): Promise<void> {
  const { config, log, stopRequested, dataDir } = start;
  await using mongo = await embeddedMongo(start);
  const complete = await withStoredApiKey(await embeddedConfig(config, mongo.uri, dataDir), config);
  await using waypost = await startWaypost({ config: complete.config, log });
  greet([...complete.lines, `Waypost: ${waypost.url}`]);
  await Promise.race([stopRequested, mongo.failed, waypost.failed]);
}

async function runWithSandbox(start: Start): Promise<void> {
  const { config, log, stopRequested, dataDir } = start;
  await using mongo = await embeddedMongo(start);
  await using sandbox = await startSandboxNextTo(config.port, dataDir);
  const embedded = await embeddedConfig(withSandbox(config, sandbox), mongo.uri, dataDir);
  const complete = await withStoredApiKey(embedded, config);
  await using waypost = await startWaypost({ config: complete.config, log, sandboxUrl: sandbox.adminUrl });
  sandbox.consoleUrl = waypost.url;
  await using client = connectorMongoClient(mongo.uri);
  using _codes = offerQrCodes(collections(client.db()).channels, sandbox);
  greet([
    ...complete.lines,
    `Waypost: ${waypost.url}`,
    `Simulated phone: ${sandbox.adminUrl}  (no message leaves this machine)`,
  ]);
  await Promise.race([stopRequested, mongo.failed, waypost.failed]);
}

/** Uses the port after Waypost's, so that the address is the same at every start, or a free one if that is taken. */
async function startSandboxNextTo(port: number, dataDir: string): Promise<Sandbox> {
  if (port === 0 || port === 65_535) return startSandbox({ dataDir });
  try {
    return await startSandbox({ dataDir, port: port + 1 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    return startSandbox({ dataDir });
  }
}

/** Starts MongoDB. `failed` rejects when it exits unexpectedly; `stopRequested` aborts the start. */
async function embeddedMongo({
  dataDir,
  stopRequested,
  onServerKilled,
}: Pick<Start, "dataDir" | "stopRequested" | "onServerKilled">) {
  await makeDataFolder(dataDir);
  const abandoned = new AbortController();
  void stopRequested.then(() => abandoned.abort(new StoppedEarlyError("Stopped before it had started")));
  const mongo = await startEmbeddedMongo({
    dataDir,
    env: process.env,
    progress: terminalProgress(process.stdout),
    signal: abandoned.signal,
  });
  const uri = new URL(mongo.uri);
  uri.pathname = "/waypost";
  const failed = mongo.exited.then((sentence) => Promise.reject(new EmbeddedMongoError("ended", sentence)));
  failed.catch(() => undefined);
  // A server that hangs would hold up its clients as well. The connector has given back its channels by then.
  const kill = () => void mongo.kill().then(onServerKilled);
  void stopRequested.then(() => setTimeout(kill, mongoStopMs).unref());
  return { uri: uri.href, failed, [Symbol.asyncDispose]: () => mongo[Symbol.asyncDispose]() };
}

function greet(lines: string[]): void {
  for (const line of lines) say(line);
  say(
    "Unofficial: not made, endorsed or supported by WhatsApp, which may ban accounts using it. Press Ctrl+C to stop.",
  );
}
