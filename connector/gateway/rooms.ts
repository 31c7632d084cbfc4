import type { Server } from "socket.io";
import type { Logger } from "#shared/log.ts";
import type { Audience } from "./audience.ts";
import type { Notice } from "./notice.ts";
import { dropSlowConsumer, unsentPackets } from "./slow-consumer.ts";

/** The name of the Socket.io room of one audience of a channel. */
export function roomOf(channelId: string, audience: Audience): string {
  return `${roomPrefix(channelId)}${audience}`;
}

/** The prefix of the names of all rooms of a channel. */
export function roomPrefix(channelId: string): string {
  return `channel/${channelId}/`;
}

/** Returns a function that sends notices to the sockets of this process, and drops those that do not keep up. */
export function roomBroadcaster(
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
      if (socket && unsentPackets(socket) > writeBufferMax) dropSlowConsumer(socket, log);
    }
  };
}
