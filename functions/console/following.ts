import type { Socket } from "socket.io-client";
import type { Failure } from "./outcome.ts";

type Acknowledgement = { ok: true } | { ok: false; error: Failure };

const acknowledgementMs = 10_000;

interface Following {
  /** The number of the last event that was heard of a channel; null = none yet. */
  heardUpTo: (channelId: string) => number | null;
  /** Why a channel cannot be followed. */
  refused: (problem: Failure) => void;
}

/** The channels that a socket follows, each from where it was heard up to. */
export function createFollowing(socket: Socket, { heardUpTo, refused }: Following) {
  const followed = new Set<string>();
  let wanted: readonly string[] = [];
  let isStanding = false;

  async function follow(channelId: string): Promise<void> {
    followed.add(channelId);
    const after = heardUpTo(channelId);
    const answer = await ask(socket, { channelId, ...(after !== null && { after }) });
    if (!answer.ok && socket.connected) refused(answer.error);
  }

  function followWanted(): void {
    if (!isStanding) return;
    for (const channelId of wanted) if (!followed.has(channelId)) void follow(channelId);
  }

  return {
    want(channelIds: readonly string[]): void {
      wanted = channelIds;
      followWanted();
    },
    /** The connection stands. */
    resume(): void {
      isStanding = true;
      followWanted();
    },
    /** It is gone, and what was followed with it. */
    pause(): void {
      isStanding = false;
      followed.clear();
    },
  };
}

async function ask(
  socket: Socket,
  subscription: { channelId: string; after?: number },
): Promise<Acknowledgement> {
  try {
    return await socket.timeout(acknowledgementMs).emitWithAck("subscribe_channel", subscription);
  } catch {
    return { ok: false, error: { code: "timeout", message: "The server did not answer in time" } };
  }
}
