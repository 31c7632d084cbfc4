import type { Server, Socket } from "socket.io";
import type { Logger } from "../../shared/log.ts";
import type { Audience } from "./audience.ts";
import type { Notice } from "./notice.ts";

/** The name of the Socket.io room of one audience of a channel. */
export function roomOf(channelId: string, audience: Audience): string {
  return `${roomPrefix(channelId)}${audience}`;
}

/** What the names of all rooms of a channel begin with. */
export function roomPrefix(channelId: string): string {
  return `channel/${channelId}/`;
}

/** Gives notices to the sockets of this process, and lets go of those that do not keep up. */
export function roomTeller(
  io: Server,
  writeBufferMax: number,
  log: Logger,
): (channelId: string, notice: Notice) => void {
  const namespace = io.of("/");
  return (channelId, { audience, name, payload }) => {
    const room = roomOf(channelId, audience);
    io.local.to(room).emit(name, payload);
    for (const id of namespace.adapter.rooms.get(room) ?? []) {
      const socket = namespace.sockets.get(id);
      if (socket && unsentPackets(socket) > writeBufferMax) drop(socket, log);
    }
  };
}

/** What engine.io keeps until the client takes it: its only sign of a slow one, and not declared in its types. */
function unsentPackets(socket: Socket): number {
  const buffer: unknown = Reflect.get(socket.conn, "writeBuffer");
  return Array.isArray(buffer) ? buffer.length : 0;
}

/** Closes the connection without waiting for what is unsent. The client sees a lost connection and comes back. */
function drop(socket: Socket, log: Logger): void {
  log.info({ socketId: socket.id, reason: "slow_consumer" }, "gateway closed a socket");
  socket.conn.close(true);
}
