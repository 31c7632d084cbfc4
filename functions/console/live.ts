import type { Socket } from "socket.io-client";
import type { LiveEvent } from "./channel-view.ts";
import type { Failure } from "./outcome.ts";
import type { Link } from "./state.ts";
import { createSubscriptions, type Subscriptions } from "./subscriptions.ts";

export interface LiveListener {
  link: (link: Link) => void;
  received: (event: LiveEvent) => void;
  /** Events of the channel after number `seq` follow. */
  subscribed: (channelId: string, seq: number) => void;
  /** The number of the channel's last received event; null = none yet. Later events are replayed. */
  lastSeq: (channelId: string) => number | null;
  /** A subscription failed. */
  refused: (problem: Failure) => void;
  /** The connection is back, and everything known may be stale. Subscribing waits until this resolves. */
  rejoin: () => Promise<void>;
}

const eventNames: LiveEvent["name"][] = [
  "connection_update",
  "qr_code",
  "pairing_code",
  "incoming_message",
  "outgoing_message",
  "message_status_update",
  "message_edited",
  "message_deleted",
  "reaction",
  "poll_vote",
  "event_response",
  "message_pinned",
  "message_kept",
];

const reconnectAfterMs = 5_000;
/** A first connection that takes longer means that no gateway serves Socket.io here. */
const missingAfterMs = 8_000;

interface LiveOptions {
  missingAfterMs: number;
  /** Tells `offline` and `online`, as a browser's window does. */
  network: EventTarget;
}

/** Follows channels over a socket authenticated by the session cookie, across reconnects. */
export function createLive(socket: Socket, listener: LiveListener, options: Partial<LiveOptions> = {}) {
  const subscriptions = createSubscriptions(socket, listener);
  const link = keepLink(socket, listener, subscriptions, {
    ...{ missingAfterMs, network: new EventTarget() },
    ...options,
  });
  listen(socket, listener);
  socket.connect();
  return {
    /** Sets the channels to follow. */
    want: subscriptions.want,
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
  subscriptions: Subscriptions,
  { missingAfterMs, network }: LiveOptions,
) {
  /** The link's state while there is no connection. */
  let offlineState: Link = "connecting";
  let isOnline = true;
  let reconnecting: ReturnType<typeof setTimeout> | undefined;
  const missing = setTimeout(() => {
    offlineState = "missing";
    listener.link(offlineState);
  }, missingAfterMs);

  async function join(): Promise<void> {
    clearTimeout(missing);
    subscriptions.pause();
    if (offlineState !== "connecting") await listener.rejoin();
    offlineState = "reconnecting";
    if (!socket.connected) return;
    listener.link("live");
    subscriptions.resume();
  }

  function lost(): void {
    subscriptions.pause();
    listener.link(isOnline ? offlineState : "offline");
    if (!socket.active) reconnectLater();
  }

  /** Socket.io does not retry after the server closed or refused the socket; the session may have ended. */
  function reconnectLater(): void {
    clearTimeout(reconnecting);
    reconnecting = setTimeout(() => void listener.rejoin().then(() => socket.connect()), reconnectAfterMs);
  }

  /** Without this the socket would seem connected until its next heartbeat fails, up to 45 s later. */
  function offline(): void {
    isOnline = false;
    if (socket.connected) socket.io.engine.close();
    else lost();
  }

  function online(): void {
    isOnline = true;
    if (!socket.connected) listener.link(offlineState);
  }

  network.addEventListener("offline", offline);
  network.addEventListener("online", online);
  socket.on("connect", () => void join());
  socket.on("disconnect", lost);
  socket.on("connect_error", lost);
  return {
    stop(): void {
      clearTimeout(missing);
      clearTimeout(reconnecting);
      network.removeEventListener("offline", offline);
      network.removeEventListener("online", online);
    },
  };
}

function listen(socket: Socket, listener: LiveListener): void {
  // Uses the event: the acknowledgement resolves a promise, which can run after the events that follow it.
  for (const name of ["subscribed", "resync_required"])
    socket.on(name, ({ channelId, seq }: { channelId: string; seq: number }) =>
      listener.subscribed(channelId, seq),
    );
  for (const name of eventNames)
    socket.on(name, (data: LiveEvent["data"]) => listener.received({ name, data } as LiveEvent));
}
