/**
 * libsignal prints whole sessions to the console, with root and ephemeral private keys, and Baileys prints two errors.
 * They are recognised by their beginnings; all other console output passes. Imported before Baileys.
 */
const leaks = [
  "Closing session:",
  "Opening session:",
  "Removing old closed session:",
  "Session already closed",
  "Session already open",
  "Migrating session to:",
  "V1 session storage migration error:",
  "Closing open session in favor of incoming prekey bundle",
  "Closing stale open session",
  "Decrypted message with closed session.",
  "Failed to decrypt message with any known session",
  "Session error:",
  "WARNING: Expected pubkey of length 33",
  "Unhandled bucket type (for naming):",
  "Error deleting temp file",
  "Error parsing group metadata:",
] as const;

const methods = ["debug", "error", "info", "log", "warn"] as const;
const silenced = Symbol.for("waypost.silence");

type Print = (...values: unknown[]) => void;
type Printer = Record<(typeof methods)[number], Print>;

function isLeak(values: readonly unknown[]): boolean {
  const first = values[0];
  return typeof first === "string" && leaks.some((leak) => first.startsWith(leak));
}

/** Drops the known leaks from `printer`; idempotent. */
export function silence(printer: Printer): void {
  for (const method of methods) {
    const print = printer[method];
    if (silenced in print) continue;
    const filtered: Print = (...values) => {
      if (!isLeak(values)) print.apply(printer, values);
    };
    printer[method] = Object.assign(filtered, { [silenced]: true });
  }
}

silence(globalThis.console);
