/** Sends that wait for WhatsApp's answer: they overlap, up to a bound. */
export interface AckWindow {
  /** Counts the work in until it is done. Its errors go to `onError`. */
  track(work: Promise<void>): void;
  /** Resolves when one more may wait. */
  room(): Promise<void>;
  /** Resolves when nothing waits. */
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
