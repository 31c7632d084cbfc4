import type { Server } from "socket.io";
import type { Audience } from "./audience.ts";
import type { Notice } from "./notice.ts";

/** The name of the Socket.io room of one audience of a channel. */
export function roomOf(channelId: string, audience: Audience): string {
  return `${roomPrefix(channelId)}${audience}`;
}

/** The prefix of the names of all rooms of a channel. */
export function roomPrefix(channelId: string): string {
  return `channel/${channelId}/`;
}

/** Returns a function that sends notices to the sockets of this process. */
export function roomBroadcaster(io: Server): (channelId: string, notice: Notice) => void {
  return (channelId, { audience, name, payload }) => {
    io.local.to(roomOf(channelId, audience)).emit(name, payload);
  };
}
