import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/**
 * Holds what a websocket writes until the microtasks in progress are done, so that frames which leave in one turn share a
 * system call and wake the other end once. Does nothing where `ws` is another implementation, as on Bun.
 */
export function shareWrite(websocket: WebSocket | null): void {
  const socket: Partial<Socket> | null | undefined = websocket && Reflect.get(websocket, "_socket");
  if (!socket?.cork || !socket.uncork || socket.writableCorked) return;
  socket.cork();
  process.nextTick(() => socket.uncork?.());
}
