/** Says when to look for events again, for requests that wait for them. A bell only hurries: the log decides. */
export interface EventDoorbell {
  /** Milliseconds between looks when it does not ring; the last one repeats. */
  pausesMs: readonly number[];
  /** `ring` is called when one of the channels (null = any) may have an event. Returns how to stop listening. */
  listen?(channelIds: readonly string[] | null, ring: () => void): () => void;
  /** Ends every wait, when the process stops. */
  stopping?: AbortSignal;
}

/** Keeps nothing open between requests, so it works on any runtime. */
export const silentDoorbell: EventDoorbell = { pausesMs: [200] };
