import type { Signal } from "../machine/machine.ts";
import type { Connection } from "./connection.ts";

/** The connection of a channel whose credentials exist but cannot be read: every attempt to connect reports that. */
export function unusableConnection(signal: (signal: Signal) => void): Connection {
  return {
    open: () => signal({ type: "closed", reason: { kind: "credentials_unreadable" }, code: null }),
    prepare: () => () => undefined,
    recover: async () => undefined,
    close: async () => undefined,
    terminate: () => undefined,
    unlink: () => undefined,
    requestCode: () => undefined,
    current: () => null,
  };
}
