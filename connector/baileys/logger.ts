import type { Logger } from "#shared/log.ts";
import type { SocketConfig } from "./baileys.ts";
import { knownLogLines } from "./known-log-lines.ts";
import { QueueProbed } from "./queue-probe.ts";

type BaileysLogger = SocketConfig["logger"];

/** What is said of a message that is not in the list. */
const unknownMessage = "a message that is not in the list";

/**
 * The `logger` of a socket. Baileys hands its logger stanzas, keys, numbers and message texts, as fields and inside its
 * sentences; so of its warnings and errors only the beginning that is known from the list gets through, with a status
 * code, and of everything below a warning nothing.
 */
export function baileysLogger(log: Logger): BaileysLogger {
  const pass = (level: "warn" | "error", values: readonly unknown[]) => {
    if (read(values[0], "err") instanceof QueueProbed) return;
    const said = values.find((value) => typeof value === "string");
    const known = knownLogLines.find((message) => said?.startsWith(message));
    // A stream that ends is told with its reason by whoever watches the connection.
    if (known === "stream errored out") return;
    log[level]({ event: "baileys", ...statusCode(values[0]) }, known ?? unknownMessage);
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

/** The HTTP-like code of the error that Baileys logs, if it is one. */
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
