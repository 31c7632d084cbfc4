import type { Socket } from "socket.io";
import type { Logger } from "#shared/log.ts";

/** What engine.io keeps until the client takes it: its only sign of a slow one, and not declared in its types. */
export function unsentPackets(socket: Socket): number {
  const buffer: unknown = Reflect.get(socket.conn, "writeBuffer");
  return Array.isArray(buffer) ? buffer.length : 0;
}

/** Closes the connection without waiting for what is unsent. The client sees a lost connection and comes back. */
export function dropSlowConsumer(socket: Socket, log: Logger): void {
  log.info({ socketId: socket.id, reason: "slow_consumer" }, "gateway closed a socket");
  socket.conn.close(true);
}

/** Resolves when nothing is unsent: with false when that takes longer than `msMax`, or the connection is gone. */
export async function drained(socket: Socket, msMax: number): Promise<boolean> {
  const { conn } = socket;
  if (conn.readyState !== "open") return false;
  if (unsentPackets(socket) === 0) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const look = () => {
    if (unsentPackets(socket) === 0) resolve(true);
  };
  const gone = () => resolve(false);
  const timer = setTimeout(gone, msMax);
  conn.on("drain", look);
  conn.once("close", gone);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    conn.off("drain", look);
    conn.off("close", gone);
  }
}
