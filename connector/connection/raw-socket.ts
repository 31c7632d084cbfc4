import type { WebSocket } from "ws";
import type { WASocket } from "../baileys/baileys.ts";
import { leaveLock } from "../baileys/key-transactions.ts";
import { leaveTurn } from "../baileys/message-turns.ts";
import { markWritten } from "../baileys/wire-trace.ts";

/** Baileys' WebSocket, which it keeps private and cannot end at once; null before it connects. */
export function rawSocket(wa: WASocket): WebSocket | null {
  return Reflect.get(wa.ws, "socket") as WebSocket | null;
}

/** Marks every frame in the trace of the relay that wrote it; the key transaction that wrote it ends there. */
export function traceWrites(wa: WASocket): void {
  const socket = rawSocket(wa);
  if (!socket) return;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  socket.send = (...values: unknown[]) => {
    markWritten();
    leaveLock();
    leaveTurn();
    send(...values);
  };
}

/** The last argument of a websocket's `send`. */
type Written = (error?: Error) => void;

/**
 * Writes every frame after `durable` has resolved, in order. Once it rejects, no frame is written any more: each is
 * encrypted for its place.
 */
export function writeAfter(wa: WASocket, durable: () => Promise<void>): void {
  const socket = rawSocket(wa);
  if (!socket) return;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  let ready = Promise.resolve();
  socket.send = (...values: unknown[]) => {
    ready = ready.then(durable);
    const refuse = (error: Error) => {
      const written = values.at(-1);
      if (typeof written === "function") (written as Written)(error);
    };
    ready.then(() => send(...values)).catch(refuse);
  };
}

/**
 * Rejects the queries that wait for an answer. Baileys stops listening for the end of its WebSocket too early, so they would
 * wait another 30 s, and with them the key transaction around them and the next socket's.
 */
export function rejectQueries(wa: WASocket): void {
  wa.ws.emit("error", new Error("Connection Closed"));
}
