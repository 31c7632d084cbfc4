import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import type { Config } from "./config.ts";
import { errorTrace } from "./error-trace.ts";

export type { Logger } from "pino";

/** Loaded on a terminal only: a service and an edge runtime never need it. */
const terminal = process.stdout.isTTY ? await import("./pretty-log.ts") : null;

/**
 * Makes a log of one line per event on standard output: JSON, or on a terminal a line for people. Callers log ids,
 * states and codes, and never a key, code, QR, message text, phone number or Signal material, at any level; fields named
 * like these are removed all the same, and an error is logged without its message, which can contain any of them.
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
    serializers: { err: errorTrace },
    hooks: {
      // pino would take the message of an error that is logged alone for the text of the line.
      logMethod([first, ...rest], method) {
        if (first instanceof Error)
          method.call(this, errorTrace(first), ...(rest.length > 0 ? rest : ["error"]));
        else method.call(this, first, ...rest);
      },
    },
  };
  return pino(options, destination);
}

function standardOutput(): DestinationStream {
  // A process on Bun exits without the end of a write that has begun: one in twenty lost its last line (measured).
  const output = pino.destination({ dest: 1, sync: Boolean(process.versions.bun) });
  return terminal ? terminal.prettyLines(output) : output;
}
