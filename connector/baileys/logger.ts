import type { Logger } from "#shared/log.ts";
import type { SocketConfig } from "./baileys.ts";
import { knownLogLines } from "./known-log-lines.ts";
import { QueueProbed } from "./queue-probe.ts";
import { RelayRefused } from "./wire-trace.ts";

type BaileysLogger = SocketConfig["logger"];

/** Logged in place of any line that is not known. */
const unknownLine = "unknown Baileys log line";

/**
 * The `logger` of a socket. Baileys passes stanzas, keys, numbers and message texts to its logger, as fields and inside
 * its sentences. So a warning or an error is reduced to its known beginning and a status code, and everything below a
 * warning is dropped.
 */
export function baileysLogger(log: Logger): BaileysLogger {
  const pass = (level: "warn" | "error", values: readonly unknown[]) => {
    if (read(values[0], "err") instanceof QueueProbed) return;
    if (read(values[0], "error") instanceof RelayRefused) return;
    const line = values.find((value) => typeof value === "string");
    const known = knownLogLines.find((beginning) => line?.startsWith(beginning));
    // The connection reports the end of a stream itself, with its reason.
    if (known === "stream errored out") return;
    log[level]({ event: "baileys", ...statusCode(values[0]) }, known ?? unknownLine);
  };
  const logger: BaileysLogger = {
    level: "warn",
    child: () => logger,
    trace: drop,
    debug: drop,
    info: drop,
    warn: (...values) => pass("warn", values),
    error: (...values) => pass("error", values),
  };
  return logger;
}

function drop(): void {}

const errorFields = ["err", "error", "uploadError"];

/** The HTTP-like code of the error in Baileys' log fields, if there is one. */
function statusCode(fields: unknown): { statusCode?: number } {
  for (const name of errorFields) {
    const code: unknown = read(read(read(fields, name), "output"), "statusCode");
    if (typeof code === "number" && code >= 100 && code <= 999) return { statusCode: code };
  }
  return {};
}

function read(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
