/** Wakes requests that wait for events. A ring only makes them read earlier: the log decides. */
export interface EventDoorbell {
  /** Milliseconds between reads while it does not ring; the last one repeats. */
  pausesMs: readonly number[];
  /** Calls `ring` when one of the channels (null = any) may have an event. Returns a function that stops listening. */
  listen?(channelIds: readonly string[] | null, ring: () => void): () => void;
  /** Aborts when the process stops, which ends every wait. */
  stopping?: AbortSignal;
}

/** Never rings: waiters only poll. It keeps nothing open between requests, so it works on any runtime. */
export const silentDoorbell: EventDoorbell = { pausesMs: [200] };
