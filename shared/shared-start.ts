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

/** A process that has shared work counts as busy for a while. */
export interface Sharing {
  /** By `performance.now()`. */
  busyUntil: number;
}

/** All kinds of work have one in common: a process that shares much of one is busy with the others, too. */
const ofProcess = newSharing();

export function newSharing(): Sharing {
  return { busyUntil: Number.NEGATIVE_INFINITY };
}

/** Only tests pass a `sharing`. */
export function createSharedStart(sharing: Sharing = ofProcess): SharedStart {
  let endedUntil = Number.NEGATIVE_INFINITY;
  return {
    begin(work) {
      if (performance.now() < Math.max(sharing.busyUntil, endedUntil)) setImmediate(work);
      else queueMicrotask(work);
    },
    noteShared() {
      sharing.busyUntil = performance.now() + afterMs.shared;
    },
    noteEnd() {
      endedUntil = performance.now() + afterMs.end;
    },
  };
}
