import type { Socket } from "socket.io-client";
import type { Failure } from "./outcome.ts";

type Acknowledgement = { ok: true } | { ok: false; error: Failure };

const acknowledgementMs = 10_000;

interface SubscriptionListener {
  /** The number of the channel's last received event; null = none yet. */
  lastSeq: (channelId: string) => number | null;
  /** Called with the reason if a subscription fails. */
  refused: (problem: Failure) => void;
}

/** The channels that a socket is subscribed to, each from its last received event on. */
export function createSubscriptions(socket: Socket, { lastSeq, refused }: SubscriptionListener) {
  const subscribed = new Set<string>();
  let wanted: readonly string[] = [];
  let isConnected = false;

  async function subscribe(channelId: string): Promise<void> {
    subscribed.add(channelId);
    const after = lastSeq(channelId);
    const answer = await request(socket, { channelId, ...(after !== null && { after }) });
    if (!answer.ok && socket.connected) refused(answer.error);
  }

  function subscribeWanted(): void {
    if (!isConnected) return;
    for (const channelId of wanted) if (!subscribed.has(channelId)) void subscribe(channelId);
  }

  return {
    want(channelIds: readonly string[]): void {
      wanted = channelIds;
      subscribeWanted();
    },
    /** Call when the socket is connected. */
    resume(): void {
      isConnected = true;
      subscribeWanted();
    },
    /** Call when the connection is lost: the server drops its subscriptions. */
    pause(): void {
      isConnected = false;
      subscribed.clear();
    },
  };
}

export type Subscriptions = ReturnType<typeof createSubscriptions>;

async function request(
  socket: Socket,
  subscription: { channelId: string; after?: number },
): Promise<Acknowledgement> {
  try {
    return await socket.timeout(acknowledgementMs).emitWithAck("subscribe_channel", subscription);
  } catch {
    return { ok: false, error: { code: "timeout", message: "The server did not respond in time" } };
  }
}
