/** Bounds how many sends wait for WhatsApp's acknowledgement at the same time. */
export interface AckWindow {
  /** Counts `work` until it settles. Its errors go to `onError`. */
  track(work: Promise<void>): void;
  /** Resolves when one more send may wait. */
  room(): Promise<void>;
  /** Resolves when no send waits. */
  idle(): Promise<void>;
}

const waitingMax = 32;

export function createAckWindow(onError: (error: unknown) => void): AckWindow {
  const waiting = new Set<Promise<void>>();

  return {
    track(work) {
      const tracked = work.catch(onError).finally(() => waiting.delete(tracked));
      waiting.add(tracked);
    },
    async room() {
      if (waiting.size >= waitingMax) await Promise.race(waiting);
    },
    async idle() {
      await Promise.all(waiting);
    },
  };
}
