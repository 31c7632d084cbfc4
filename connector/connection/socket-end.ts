import type { WASocket } from "../baileys/baileys.ts";
import { rawSocket } from "./raw-socket.ts";

/** Ends a socket, and reports its end exactly once. */
export interface SocketEnd {
  hasEnded(): boolean;
  /** Reports the end, with the error that caused it if there is one. Only the first report counts. */
  report(error: unknown): void;
  /** Terminates the socket; a reason in words becomes the error. */
  terminate(reason: string | Error): void;
}

/** A terminated socket that does not report its end within this is taken as closed. */
const closeEventMs = 1_000;

export function createSocketEnd(wa: WASocket, onEnd: (error: unknown) => void): SocketEnd {
  let hasEnded = false;

  const report = (error: unknown) => {
    if (hasEnded) return;
    hasEnded = true;
    onEnd(error);
  };
  return {
    hasEnded: () => hasEnded,
    report,
    terminate(reason) {
      const error = typeof reason === "string" ? new Error(reason) : reason;
      rawSocket(wa)?.terminate();
      wa.end(error).catch(report);
      setTimeout(() => report(error), closeEventMs).unref();
    },
  };
}
