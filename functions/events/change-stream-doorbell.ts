import type { ChangeHub } from "#shared/change-hub.ts";
import type { EventDoorbell } from "./event-doorbell.ts";

export interface ChangeStreamDoorbellOptions {
  changes: Pick<ChangeHub, "listen">;
  /** Ends every wait. */
  signal: AbortSignal;
}

/** A doorbell that knows how many waiters listen to it. */
export interface ChangeStreamDoorbell extends EventDoorbell {
  readonly listeners: number;
}

/** Waiters also poll at these intervals: a change that the stream misses costs latency, never an event. */
const pollPausesMs = [200, 400, 1_000];

/** Rings for what the process's stream of changes shows, which it asks for from the first listener on. */
export function changeStreamDoorbell({ changes, signal }: ChangeStreamDoorbellOptions): ChangeStreamDoorbell {
  const listeners = new Set<{ channelIds: ReadonlySet<string> | null; ring: () => void }>();
  let isFollowing = false;
  const ringFor = (channelId: string | null) => {
    const rung = [...listeners].filter(
      ({ channelIds }) => channelId === null || channelIds === null || channelIds.has(channelId),
    );
    for (const { ring } of rung) ring();
    return rung.length > 0;
  };
  const follow = () => {
    const changed = ({ channelId }: { channelId: string }) => ringFor(channelId);
    changes.listen({ topics: ["event_appended"], opened: () => void ringFor(null), changed }, signal);
    isFollowing = true;
  };
  return {
    pausesMs: pollPausesMs,
    stopping: signal,
    get listeners() {
      return listeners.size;
    },
    listen(channelIds, ring) {
      if (!isFollowing) follow();
      const listener = { channelIds: channelIds && new Set(channelIds), ring };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
