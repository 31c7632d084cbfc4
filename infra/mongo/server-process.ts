import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import { freePort } from "./free-port.ts";
import { replicaSet } from "./replica-set.ts";
import { reasonFor, saysReady } from "./server-log.ts";
import type { Mongod } from "./server-version.ts";

/** A running mongod. `exited` resolves, with how, when it ends without having been asked to. */
export type ServerProcess = AsyncDisposable & {
  port: number;
  exited: Promise<string>;
  /** Ends it without giving it time for anything, and waits until it is gone. */
  kill(): Promise<void>;
};

const guard = fileURLToPath(new URL("./server-guard.ts", import.meta.url));
const portAttemptsMax = 5;
const portTakenCode = 48;
const linesKept = 50;
/** After a kill it first replays its journal. */
const launchMs = 60_000;
const stopMs = 15_000;

/** Loopback needs no compression, and 6.0.5 leaks memory through the zlib one (CVE-2025-14847). */
const settings = [
  ["--bind_ip", "127.0.0.1"],
  ["--replSet", replicaSet],
  ["--wiredTigerCacheSizeGB", "0.25"],
  ["--oplogSize", "512"],
  ["--networkMessageCompressors", "disabled"],
  ["--setParameter", "diagnosticDataCollectionEnabled=false"],
  ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"],
  process.platform === "win32" ? [] : ["--nounixsocket"],
].flat();

/**
 * Starts mongod on loopback, on the wished port if it is free. It ends with this process, however that ends, and is in
 * a process group of its own, so that Ctrl-C in the terminal does not take it away before its clients are done.
 * @throws EmbeddedMongoError `not_started` with what mongod said; the signal's reason on abort
 */
export async function startServer(
  server: Mongod,
  dbPath: string,
  wishedPort: number | undefined,
  signal: AbortSignal,
): Promise<ServerProcess> {
  await mkdir(dbPath, { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? wishedPort : undefined);
    const mongod = spawnMongod(server, dbPath, port);
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

/** By `node:child_process`: mongod runs for weeks, and nano-spawn keeps all that a program prints. */
function spawnMongod(server: Mongod, dbPath: string, port: number): Spawned {
  const args = ["--dbpath", dbPath, "--port", String(port), ...settings];
  const child = spawn(server.path, args, {
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
      resolve({ code, reason: reasonFor(lines) ?? `it ended (${signal ?? `code ${code}`})` }),
    );
  });
  const stopGuard = startGuard(child);
  let isStopping = false;
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      stopGuard();
      if (!isStopping) resolve(`mongod ended (${signal ?? `code ${code}`})`);
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

/** The guard must go before the number of a mongod that has ended is given to another process. */
function startGuard(child: ChildProcess): () => void {
  if (child.pid === undefined) return () => {};
  const args = [guard, String(child.pid)];
  const guarding = spawn(process.execPath, args, {
    detached: true,
    windowsHide: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guarding.on("error", () => {}).unref();
  return () => void guarding.kill("SIGKILL");
}

async function tooLate(signal: AbortSignal): Promise<Failure> {
  await delay(launchMs, undefined, { signal, ref: false }).catch(() => {});
  return { code: null, reason: `it was not ready within ${launchMs / 1000} s` };
}

/** Windows knows no polite signal; there mongod replays its journal at the next start. */
async function stop(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), stopMs);
  await gone;
  clearTimeout(force);
}
