import type { Signal } from "../machine/machine.ts";
import type { Connection } from "./connection.ts";

/** The line of a channel whose credentials are there and cannot be used: it says so to whoever wants to connect. */
export function unusableConnection(signal: (signal: Signal) => void): Connection {
  return {
    open: () => signal({ type: "closed", reason: { kind: "credentials_unreadable" }, code: null }),
    recover: async () => undefined,
    close: async () => undefined,
    terminate: () => undefined,
    unlink: async () => undefined,
    requestCode: () => undefined,
    current: () => null,
  };
}
