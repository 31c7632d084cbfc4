import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import type { Config } from "./config.ts";

export type { Logger } from "pino";

/** Loaded on a terminal only: a service and an edge runtime never need it. */
const terminal = process.stdout.isTTY ? await import("./pretty-log.ts") : null;

/**
 * Makes a log of one line per event on standard output: JSON, or on a terminal a line for people. Callers log ids,
 * states and codes, and never a key, code, QR, message text, phone number or Signal material, at any level; fields named
 * like these are removed all the same.
 */
export function createLog(
  level: Config["logLevel"],
  destination: DestinationStream = standardOutput(),
): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ["apiKey", "qr", "code", "text", "message", "phoneNumber", "to", "creds", "keys"],
      remove: true,
    },
  };
  return pino(options, destination);
}

function standardOutput(): DestinationStream {
  const output = pino.destination(1);
  return terminal ? terminal.prettyLines(output) : output;
}
