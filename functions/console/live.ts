import type { Socket } from "socket.io-client";
import type { LiveEvent } from "./channel-view.ts";
import { createFollowing } from "./following.ts";
import type { Failure } from "./outcome.ts";
import type { Link } from "./state.ts";

export interface LiveListener {
  link: (link: Link) => void;
  heard: (event: LiveEvent) => void;
  /** From here on events of the channel are heard; `seq` is the number of the last one before. */
  subscribed: (channelId: string, seq: number) => void;
  /** The number of the last event that was heard of a channel; null = none yet. What came after it is told again. */
  heardUpTo: (channelId: string) => number | null;
  /** A channel cannot be followed. */
  refused: (problem: Failure) => void;
  /** The connection stands again: whatever was known may be old. Channels are followed once it resolves. */
  rejoin: () => Promise<void>;
}

const eventNames: LiveEvent["name"][] = [
  "connection_update",
  "qr_code",
  "pairing_code",
  "incoming_message",
  "outgoing_message",
  "message_status_update",
];

const comeBackMs = 5_000;
/** A first connection that takes longer has nobody at its other end. */
const missingAfterMs = 8_000;

/** Follows channels over a socket that the session cookie authenticates, through any number of reconnects. */
export function createLive(socket: Socket, listener: LiveListener, times = { missingAfterMs }) {
  const following = createFollowing(socket, listener);
  const link = keepLink(socket, listener, following, times.missingAfterMs);
  listen(socket, listener);
  socket.connect();
  return {
    /** The channels to follow from now on. */
    want: following.want,
    close(): void {
      link.stop();
      socket.off();
      socket.disconnect();
    },
  };
}

export type Live = ReturnType<typeof createLive>;

function keepLink(
  socket: Socket,
  listener: LiveListener,
  following: ReturnType<typeof createFollowing>,
  missingAfterMs: number,
) {
  /** What it is called when there is no connection. */
  let absence: Link = "connecting";
  let comingBack: ReturnType<typeof setTimeout> | undefined;
  const missing = setTimeout(() => {
    absence = "missing";
    listener.link(absence);
  }, missingAfterMs);

  async function join(): Promise<void> {
    clearTimeout(missing);
    following.pause();
    if (absence !== "connecting") await listener.rejoin();
    absence = "reconnecting";
    if (!socket.connected) return;
    listener.link("live");
    following.resume();
  }

  function lost(): void {
    following.pause();
    listener.link(absence);
    if (!socket.active) comeBack();
  }

  /** A server that closed or refused the socket is not tried again by socket.io; the session may be over. */
  function comeBack(): void {
    clearTimeout(comingBack);
    comingBack = setTimeout(() => void listener.rejoin().then(() => socket.connect()), comeBackMs);
  }

  socket.on("connect", () => void join());
  socket.on("disconnect", lost);
  socket.on("connect_error", lost);
  return {
    stop(): void {
      clearTimeout(missing);
      clearTimeout(comingBack);
    },
  };
}

function listen(socket: Socket, listener: LiveListener): void {
  // The event, not the acknowledgement, which is a promise and so could be seen after events that follow it.
  for (const name of ["subscribed", "resync_required"])
    socket.on(name, ({ channelId, seq }: { channelId: string; seq: number }) =>
      listener.subscribed(channelId, seq),
    );
  for (const name of eventNames)
    socket.on(name, (data: LiveEvent["data"]) => listener.heard({ name, data } as LiveEvent));
}
