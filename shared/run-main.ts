/** Runs the main function of a process: `.env`, signals, and errors explained to people. */

import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigError, type Environment } from "./config.ts";
import { UnsupportedMongoError } from "./database.ts";
import { settings } from "./settings.ts";

/** 30 s are promised. */
const defaultStopMs = 29_000;

/** Thrown by a start that was abandoned because the process was asked to stop. Not a failure. */
export class StoppedEarlyError extends Error {
  override readonly name = "StoppedEarlyError";
}

/**
 * Loads `.env` if it exists and runs `main`, which gets a promise that resolves at SIGTERM or SIGINT and should return
 * soon after: when `stopMs` (29 s) have passed, the process exits with 1. A start that cannot succeed prints one message
 * and exits with 1; any other error is a bug, and prints its stack.
 *
 * Other users of the machine are not trusted: the files that the process creates are its user's alone, and the settings,
 * which hold keys, go to `main` and are removed from `process.env`, which every child process inherits.
 */
export async function runMain(
  main: (stopRequested: Promise<unknown>, env: Environment) => Promise<void>,
  stopMs = defaultStopMs,
): Promise<void> {
  process.umask(0o077);
  if (existsSync(".env")) process.loadEnvFile(".env");
  const stopRequested = stopRequest();
  try {
    await Promise.race([main(stopRequested, takeEnvironment()), tooLong(stopRequested, stopMs)]);
  } catch (error) {
    if (!(error instanceof StoppedEarlyError)) fail(error);
  }
  // Everything is closed by now. Only timers of ended sockets remain, and would keep the process alive for 30 s.
  process.exit();
}

/** Returns a copy of the environment, and removes the settings from the original. */
function takeEnvironment(): Environment {
  const env = { ...process.env };
  for (const name of Object.keys(settings)) delete process.env[name];
  return env;
}

async function tooLong(stopRequested: Promise<unknown>, stopMs: number): Promise<void> {
  await stopRequested;
  await delay(stopMs, undefined, { ref: false });
  fail(
    `Waypost did not stop within ${stopMs / 1_000} s, so it was ended. The next start continues its work.`,
  );
}

/** Ctrl+C signals twice, from the terminal and from npm. The listeners stay, or the second would kill a stop halfway. */
function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  });
}

function fail(error: unknown): void {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError || error instanceof UnsupportedMongoError) return error.message;
  if (namesForPeople.has(error.name)) return error.message;
  if (error.name.startsWith("Mongo")) return `MONGO_URI: cannot use the database: ${error.message}`;
  if ("syscall" in error && listenSyscalls.has(error.syscall))
    return `HOST, PORT: cannot listen: ${error.message}`;
  return error.stack ?? error.message;
}

/** `HOST` may be a name, which is resolved first. */
const listenSyscalls = new Set<unknown>(["listen", "getaddrinfo"]);

/** Errors of other folders whose message is meant for people. */
const namesForPeople = new Set([
  "EmbeddedMongoError",
  "KeyNotSharedError",
  "NameTakenError",
  "SandboxStateError",
  "SelfCheckError",
]);
