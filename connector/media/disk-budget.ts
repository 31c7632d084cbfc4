/** Room on disk, taken until disposal. */
interface Reservation extends Disposable {
  /** Gives back all but this. */
  shrink(bytes: number): void;
}

/** Bounds what the attachments of all channels take up on disk at once. */
export interface DiskBudget {
  /** Waits for room, first come, first served. Rejects after `waitMs`, and with the signal's reason. */
  reserve(bytes: number, signal: AbortSignal): Promise<Reservation>;
}

interface Waiter {
  bytes: number;
  admit(): void;
}

const defaultWaitMs = 60_000;

export function createDiskBudget(bytesMax: number, waitMs = defaultWaitMs): DiskBudget {
  let free = bytesMax;
  const waiters = new Set<Waiter>();

  const admit = () => {
    for (const waiter of waiters) {
      if (waiter.bytes > free) return;
      free -= waiter.bytes;
      waiters.delete(waiter);
      waiter.admit();
    }
  };
  const reservation = (bytes: number): Reservation => {
    let held = bytes;
    const shrink = (kept: number) => {
      const given = Math.max(0, held - kept);
      held -= given;
      free += given;
      admit();
    };
    return { shrink, [Symbol.dispose]: () => shrink(0) };
  };

  return {
    async reserve(bytes, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
      limit.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { bytes, admit: resolve };
      const giveUp = () => {
        waiters.delete(waiter);
        reject(signal.aborted ? signal.reason : new Error("Other attachments take up all the room on disk"));
      };
      limit.addEventListener("abort", giveUp);
      waiters.add(waiter);
      admit();
      await promise.finally(() => limit.removeEventListener("abort", giveUp));
      return reservation(bytes);
    },
  };
}
