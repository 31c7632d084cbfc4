import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import type { Config } from "./config.ts";

export type { Logger } from "pino";

/**
 * One JSON line per event on standard output. Callers log ids, states and codes, and never a key, code, QR, message
 * text, phone number or Signal material, at any level; what slips into these fields is removed all the same.
 */
export function createLog(
  level: Config["logLevel"],
  destination: DestinationStream = pino.destination(1),
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
