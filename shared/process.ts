import { existsSync } from "node:fs";
import { ConfigError } from "./config.ts";
import { StandaloneMongoError } from "./database.ts";

/** What a start throws that was given up because the process was asked to end: not a failure. */
export class StoppedEarlyError extends Error {
  override readonly name = "StoppedEarlyError";
}

/**
 * Runs a process's `main` with `.env` read when it is there. `main` gets a promise that resolves at SIGTERM or SIGINT,
 * and is expected to return soon after. A start that cannot succeed is explained in one message and exits 1; anything
 * else is a bug and shows where.
 */
export async function runMain(main: (asked: Promise<unknown>) => Promise<void>): Promise<void> {
  if (existsSync(".env")) process.loadEnvFile(".env");
  const asked = askedToStop();
  try {
    await main(asked);
  } catch (error) {
    if (!(error instanceof StoppedEarlyError)) fail(error);
  }
  // All that was opened is closed by now; what is left are timers of ended sockets, which would hold the process for 30 s.
  process.exit();
}

/** At Ctrl+C both the terminal and npm signal: the listeners stay, or the second signal would kill in the middle of the stop. */
function askedToStop(): Promise<void> {
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
  if (error instanceof ConfigError || error instanceof StandaloneMongoError) return error.message;
  if (isForPeople.has(error.name)) return error.message;
  if (error.name.startsWith("Mongo")) return `MONGO_URI: cannot use the database: ${error.message}`;
  if ("syscall" in error && ofListening.has(error.syscall))
    return `HOST, PORT: cannot listen: ${error.message}`;
  return error.stack ?? error.message;
}

/** `HOST` may be a name, which is looked up first. */
const ofListening = new Set<unknown>(["listen", "getaddrinfo"]);

/** Errors of other folders whose message is meant for people. */
const isForPeople = new Set(["EmbeddedMongoError", "NameTakenError", "SandboxStateError", "SelfCheckError"]);
