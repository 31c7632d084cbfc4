import type { Socket } from "socket.io-client";
import type { Failure } from "./outcome.ts";

type Acknowledgement = { ok: true } | { ok: false; error: Failure };

const acknowledgementMs = 10_000;

/** The channels that a socket follows. `refused` hears why one cannot be. */
export function createFollowing(socket: Socket, refused: (problem: Failure) => void) {
  const followed = new Set<string>();
  let wanted: readonly string[] = [];
  let isStanding = false;

  async function follow(channelId: string): Promise<void> {
    followed.add(channelId);
    const answer = await ask(socket, channelId);
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

async function ask(socket: Socket, channelId: string): Promise<Acknowledgement> {
  try {
    return await socket.timeout(acknowledgementMs).emitWithAck("subscribe_channel", { channelId });
  } catch {
    return { ok: false, error: { code: "timeout", message: "The server did not answer in time" } };
  }
}
