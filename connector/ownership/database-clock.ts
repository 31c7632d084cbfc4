/**
 * The database's time. Whoever compares dates of several processes has no other clock in common: the clocks of machines
 * differ, and a resumed machine's may be minutes behind.
 */
export interface DatabaseClock {
  /** Ms since the epoch. */
  now(): number;
  /** Takes over the database's time from an answer to what was sent at `sentAt`, on our monotonic clock. */
  adjust(databaseNow: Date, sentAt: number): void;
}

/** An answer that took longer says too little about the moment. */
const roundTripMsMax = 1_000;

/** Between two answers it goes by this process's monotonic clock; before the first, it is this machine's clock. */
export function createDatabaseClock(): DatabaseClock {
  let offset = Date.now() - performance.now();
  let isAdjusted = false;

  return {
    now: () => offset + performance.now(),
    adjust(databaseNow, sentAt) {
      const receivedAt = performance.now();
      if (isAdjusted && receivedAt - sentAt > roundTripMsMax) return;
      isAdjusted = true;
      offset = databaseNow.getTime() - (sentAt + receivedAt) / 2;
    },
  };
}
