import type { Socket } from "socket.io-client";
import type { LiveEvent } from "./channel-view.ts";
import type { Failure } from "./outcome.ts";
import type { Link } from "./state.ts";

export interface LiveListener {
  link: (link: Link) => void;
  heard: (event: LiveEvent) => void;
  /** From here on events of the channel are heard; `seq` is the number of the last one before. */
  subscribed: (channelId: string, seq: number) => void;
  /** A channel cannot be followed. */
  refused: (problem: Failure) => void;
  /** The connection stands again: whatever was known may be old. Channels are followed once it resolves. */
  rejoin: () => Promise<void>;
}

type Acknowledgement = { ok: true } | { ok: false; error: Failure };

const eventNames: LiveEvent["name"][] = [
  "connection_update",
  "qr_code",
  "pairing_code",
  "incoming_message",
  "outgoing_message",
  "message_status_update",
];

const acknowledgementMs = 10_000;
const comeBackMs = 5_000;

/** Follows channels over a socket that the session cookie authenticates, through any number of reconnects. */
export function createLive(socket: Socket, listener: LiveListener) {
  let wanted: readonly string[] = [];
  const followed = new Set<string>();
  let isJoined = false;
  let hasConnected = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function follow(channelId: string): Promise<void> {
    followed.add(channelId);
    const answer = await ask(socket, channelId);
    if (!answer.ok && socket.connected) listener.refused(answer.error);
  }

  function followWanted(): void {
    if (!isJoined) return;
    for (const channelId of wanted) if (!followed.has(channelId)) void follow(channelId);
  }

  async function join(): Promise<void> {
    followed.clear();
    if (hasConnected) await listener.rejoin();
    hasConnected = true;
    if (!socket.connected) return;
    isJoined = true;
    listener.link("live");
    followWanted();
  }

  function lost(): void {
    isJoined = false;
    listener.link(hasConnected ? "reconnecting" : "connecting");
    if (!socket.active) comeBack();
  }

  /** A server that closed or refused the socket is not tried again by socket.io; the session may be over. */
  function comeBack(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      void listener.rejoin().then(() => socket.connect());
    }, comeBackMs);
  }

  socket.on("connect", () => void join());
  socket.on("disconnect", lost);
  socket.on("connect_error", lost);
  // The event, not the acknowledgement, which is a promise and so could be seen after events that follow it.
  socket.on("subscribed", ({ channelId, seq }: { channelId: string; seq: number }) =>
    listener.subscribed(channelId, seq),
  );
  for (const name of eventNames)
    socket.on(name, (data: LiveEvent["data"]) => listener.heard({ name, data } as LiveEvent));
  socket.connect();

  return {
    /** The channels to follow from now on. */
    want(channelIds: readonly string[]): void {
      wanted = channelIds;
      followWanted();
    },
    close(): void {
      clearTimeout(timer);
      socket.off();
      socket.disconnect();
    },
  };
}

export type Live = ReturnType<typeof createLive>;

async function ask(socket: Socket, channelId: string): Promise<Acknowledgement> {
  try {
    return await socket.timeout(acknowledgementMs).emitWithAck("subscribe_channel", { channelId });
  } catch {
    return { ok: false, error: { code: "timeout", message: "The server did not answer in time" } };
  }
}
