import type { Socket } from "socket.io";
import type { Logger } from "#shared/log.ts";

/** The packets engine.io keeps until the client takes them: its only sign of a slow one, missing from its types. */
export function unsentPackets(socket: Socket): number {
  const buffer: unknown = Reflect.get(socket.conn, "writeBuffer");
  return Array.isArray(buffer) ? buffer.length : 0;
}

/** Closes the connection without waiting for unsent packets. The client sees a lost connection and reconnects. */
export function dropSlowConsumer(socket: Socket, log: Logger): void {
  log.info(
    { event: "socket_closed", socketId: socket.id, reason: "slow_consumer" },
    "gateway closed a socket",
  );
  socket.conn.close(true);
}

/** Resolves to true when nothing is unsent; to false when that takes longer than `msMax` or the connection is gone. */
export async function drained(socket: Socket, msMax: number): Promise<boolean> {
  const { conn } = socket;
  if (conn.readyState !== "open") return false;
  if (unsentPackets(socket) === 0) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const check = () => {
    if (unsentPackets(socket) === 0) resolve(true);
  };
  const gone = () => resolve(false);
  const timer = setTimeout(gone, msMax);
  conn.on("drain", check);
  conn.once("close", gone);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    conn.off("drain", check);
    conn.off("close", gone);
  }
}
