import type { WebSocket } from "ws";
import type { WASocket } from "../baileys/baileys.ts";
import { markWritten } from "../baileys/wire-trace.ts";

/** Baileys' WebSocket, which it keeps private and cannot end at once; null before it connects. */
export function rawSocket(wa: WASocket): WebSocket | null {
  return Reflect.get(wa.ws, "socket") as WebSocket | null;
}

/** Marks every frame in the trace of the relay that wrote it. */
export function traceWrites(wa: WASocket): void {
  const socket = rawSocket(wa);
  if (!socket) return;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  socket.send = (...values: unknown[]) => {
    markWritten();
    send(...values);
  };
}

/**
 * Rejects the queries that wait for an answer. Baileys stops listening for the end of its WebSocket too early, so they would
 * wait another 30 s, and with them the key transaction around them and the next socket's.
 */
export function rejectQueries(wa: WASocket): void {
  wa.ws.emit("error", new Error("Connection Closed"));
}
