/** Begins work that what comes at the same moment shares. */
export interface SharedStart {
  /**
   * Calls `work` soon: after the turn of the event loop, all of which then shares it; at once while little comes, because the
   * rest of the turn may take milliseconds.
   */
  begin(work: () => void): void;
  /** Call it when something was shared. */
  noteShared(): void;
  /** Call it when the work is done. */
  noteEnd(): void;
}

/** For how long after it what comes may come at the same moment. */
const afterMs = { shared: 200, end: 10 };

export function createSharedStart(): SharedStart {
  let busyUntil = Number.NEGATIVE_INFINITY;
  const busyFor = (ms: number) => {
    busyUntil = Math.max(busyUntil, performance.now() + ms);
  };
  return {
    begin(work) {
      if (performance.now() < busyUntil) setImmediate(work);
      else queueMicrotask(work);
    },
    noteShared: () => busyFor(afterMs.shared),
    noteEnd: () => busyFor(afterMs.end),
  };
}
