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

/** Until when the process counts as busy, because it has shared work. */
export interface Sharing {
  until: number;
}

/** What one kind of work shares tells of the others: a process that shares much is busy with all of it. */
const ofProcess = newSharing();

export function newSharing(): Sharing {
  return { until: Number.NEGATIVE_INFINITY };
}

/** Only tests pass a `sharing`. */
export function createSharedStart(sharing: Sharing = ofProcess): SharedStart {
  let endedUntil = Number.NEGATIVE_INFINITY;
  return {
    begin(work) {
      if (performance.now() < Math.max(sharing.until, endedUntil)) setImmediate(work);
      else queueMicrotask(work);
    },
    noteShared() {
      sharing.until = performance.now() + afterMs.shared;
    },
    noteEnd() {
      endedUntil = performance.now() + afterMs.end;
    },
  };
}
