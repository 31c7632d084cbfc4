import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "#shared/child-environment.ts";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import { freePort } from "./free-port.ts";
import { replicaSet } from "./replica-set.ts";
import { reasonFor, saysReady } from "./server-log.ts";
import type { Mongod } from "./server-version.ts";

/** A running mongod. `exited` resolves with a sentence when it exits unexpectedly. */
export type ServerProcess = AsyncDisposable & {
  port: number;
  exited: Promise<string>;
  /** Sends SIGKILL and waits for the exit. */
  kill(): Promise<void>;
};

const guard = fileURLToPath(new URL("./server-guard.ts", import.meta.url));
const portAttemptsMax = 5;
const portTakenCode = 48;
const linesKept = 50;
/** Leaves time to replay the journal after a kill. */
const launchMs = 60_000;
const stopMs = 15_000;
/** Of mongod's storage engine: one for each transaction, at most one of each of 10,000 channels, and for each operation. */
const storageSessionsMax = 12_000;

/** Compression is off: loopback needs none, and in 6.0.5 zlib compression leaks memory to clients (CVE-2025-14847). */
const settings = [
  ["--bind_ip", "127.0.0.1"],
  ["--replSet", replicaSet],
  ["--wiredTigerCacheSizeGB", "0.25"],
  // Every session has a table as long as this: mongod's own 33,000 take 39 MB at the start, and 264 KB a transaction.
  ["--wiredTigerEngineConfigString", `session_max=${storageSessionsMax}`],
  ["--oplogSize", "512"],
  ["--networkMessageCompressors", "disabled"],
  ["--setParameter", "diagnosticDataCollectionEnabled=false"],
  ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"],
  process.platform === "win32" ? [] : ["--nounixsocket"],
].flat();

export type ServerOptions = {
  /** mongod gets the part of it that it needs. */
  env: NodeJS.ProcessEnv;
  /** The port to try first. */
  port?: number | undefined;
  /**
   * The key that turns on authentication, as a file that mongod reads when it starts. Without it, every local user may do
   * anything.
   */
  keyFile?: string;
};

/** Without the localhost exception, by which whoever is first on a new database makes himself its administrator. */
const authentication = (keyFile: string) => [
  ...["--auth", "--keyFile", keyFile],
  ...["--setParameter", "enableLocalhostAuthBypass=false"],
];

/**
 * Starts mongod on loopback, on the preferred port if it is free. mongod stops with this process, however that ends. It
 * has its own process group, so that Ctrl+C in the terminal does not stop it before its clients.
 * @throws EmbeddedMongoError `not_started` with mongod's own reason; the signal's reason on abort
 */
export async function startServer(
  server: Mongod,
  dbPath: string,
  options: ServerOptions,
  signal: AbortSignal,
): Promise<ServerProcess> {
  await mkdir(dbPath, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? options.port : undefined);
    const own = options.keyFile === undefined ? [] : authentication(options.keyFile);
    const env = childEnvironment(options.env, "program");
    const mongod = spawnMongod(server.path, port, env, ["--dbpath", dbPath, "--port", String(port), ...own]);
    const outcome = await mongod.ready(signal);
    if (outcome === "ready") return mongod;
    await mongod[Symbol.asyncDispose]();
    signal.throwIfAborted();
    if (outcome.code === portTakenCode && attempt < portAttemptsMax) continue;
    throw new EmbeddedMongoError(
      "not_started",
      `MongoDB ${server.version} (${server.path}) did not start: ${outcome.reason}`,
    );
  }
}

type Failure = { code: number | null; reason: string };
type Spawned = ServerProcess & { ready(signal: AbortSignal): Promise<"ready" | Failure> };

/** Uses `node:child_process`: mongod runs for weeks, and nano-spawn keeps all output in memory. */
function spawnMongod(path: string, port: number, env: NodeJS.ProcessEnv, args: readonly string[]): Spawned {
  const child = spawn(path, [...args, ...settings], {
    env,
    detached: true,
    windowsHide: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const isReady = Promise.withResolvers<"ready">();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (lines.length > linesKept) lines.shift();
      if (saysReady(line)) isReady.resolve("ready");
    });
  }
  const closed = new Promise<Failure>((resolve) => {
    child.once("error", (error) => resolve({ code: null, reason: error.message }));
    child.once("close", (code, signal) =>
      resolve({ code, reason: reasonFor(lines) ?? `it exited (${signal ?? `code ${code}`})` }),
    );
  });
  const stopGuard = startGuard(child, env);
  let isStopping = false;
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      stopGuard();
      if (!isStopping) resolve(`mongod exited unexpectedly (${signal ?? `code ${code}`})`);
    });
  });
  return {
    port,
    exited,
    ready: (signal) => Promise.race([isReady.promise, closed, tooLate(signal)]),
    async kill() {
      isStopping = true;
      await stop(child, "SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      isStopping = true;
      await stop(child, "SIGTERM");
      stopGuard();
    },
  };
}

/** Starts the guard. It must be stopped once mongod has exited, before another process can get the same pid. */
function startGuard(child: ChildProcess, env: NodeJS.ProcessEnv): () => void {
  if (child.pid === undefined) return () => {};
  const args = [guard, String(child.pid)];
  const guardProcess = spawn(process.execPath, args, {
    env,
    detached: true,
    windowsHide: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guardProcess.on("error", () => {}).unref();
  return () => void guardProcess.kill("SIGKILL");
}

async function tooLate(signal: AbortSignal): Promise<Failure> {
  await delay(launchMs, undefined, { signal, ref: false }).catch(() => {});
  return { code: null, reason: `it was not ready within ${launchMs / 1000} s` };
}

/** Windows has no SIGTERM: there mongod is killed, and replays its journal at the next start. */
async function stop(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), stopMs);
  await exited;
  clearTimeout(force);
}
