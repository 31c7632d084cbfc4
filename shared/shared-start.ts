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

/** What one kind of work shares tells of the others: a process that shares much is busy with all of it. */
let sharedUntil = Number.NEGATIVE_INFINITY;

export function createSharedStart(): SharedStart {
  let endedUntil = Number.NEGATIVE_INFINITY;
  return {
    begin(work) {
      if (performance.now() < Math.max(sharedUntil, endedUntil)) setImmediate(work);
      else queueMicrotask(work);
    },
    noteShared() {
      sharedUntil = performance.now() + afterMs.shared;
    },
    noteEnd() {
      endedUntil = performance.now() + afterMs.end;
    },
  };
}
