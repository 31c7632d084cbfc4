import type { WebSocket } from "ws";
import type { WASocket } from "../baileys/baileys.ts";
import { leaveLock } from "../baileys/key-transactions.ts";
import { isAwaited, leaveTurn } from "../baileys/message-turns.ts";
import { markWritten } from "../baileys/wire-trace.ts";
import { shareWrite } from "../concurrency/share-write.ts";

/** Baileys' WebSocket, which it keeps private and cannot end at once; null before it connects. */
export function rawSocket(wa: WASocket): WebSocket | null {
  return Reflect.get(wa.ws, "socket") as WebSocket | null;
}

/** The last argument of a websocket's `send`. */
type Written = (error?: Error) => void;

/**
 * Lets a frame leave only when what it may reveal is durable. Every frame waits for what `durable` resolves to at the moment
 * it is made, and a stanza for what covers its relay; frames keep their order, because each is encrypted for its place. The
 * key transaction that makes a frame ends there. Once a wait fails, no frame leaves any more, and `onFailed` is called.
 *
 * Returns a function that resolves when every frame so far has left or been refused.
 *
 * The frame of a message's turn, its receipt, counts as written at once: the messages that arrived with it share its write.
 */
export function gateFrames(
  wa: WASocket,
  durable: () => Promise<void>,
  onFailed: () => void,
): () => Promise<void> {
  const socket = rawSocket(wa);
  if (!socket) return async () => undefined;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  let last = Promise.resolve();
  let hasFailed = false;
  const fail = (error: unknown, written: unknown) => {
    if (!hasFailed) onFailed();
    hasFailed = true;
    if (typeof written === "function") (written as Written)(toError(error));
  };
  socket.send = (...all: unknown[]) => {
    const values = isAwaited() ? writtenAtOnce(all) : all;
    // In the context of the relay that makes the frame.
    const ready = Promise.all([markWritten(), durable()]);
    leaveLock();
    leaveTurn();
    last = Promise.all([last, ready]).then(() => {
      shareWrite(socket);
      send(...values);
    });
    last.catch((error: unknown) => fail(error, values.at(-1)));
  };
  return () => last.catch(() => undefined);
}

function writtenAtOnce(values: readonly unknown[]): unknown[] {
  const written = values.at(-1);
  if (typeof written !== "function") return [...values];
  queueMicrotask(() => (written as Written)());
  return values.slice(0, -1);
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error("The frame must not leave", { cause: error });
}

/**
 * Rejects the queries that wait for an answer. Baileys stops listening for the end of its WebSocket too early, so they would
 * wait another 30 s, and with them the key transaction around them and the next socket's.
 */
export function rejectQueries(wa: WASocket): void {
  wa.ws.emit("error", new Error("Connection Closed"));
}
