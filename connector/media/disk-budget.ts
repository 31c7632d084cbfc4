/** Room on disk, taken until disposal. */
interface Reservation extends Disposable {
  /** Gives back all but this. */
  shrink(bytes: number): void;
}

/** Bounds what the attachments of all channels take up on disk at once. */
export interface DiskBudget {
  /**
   * Waits for room. Of those that wait, the channel that holds least is next, then who came first: a channel whose
   * attachments arrive slowly holds up only itself. Rejects after `waitMs`, and with the signal's reason.
   */
  reserve(channelId: string, bytes: number, signal: AbortSignal): Promise<Reservation>;
}

export interface DiskBudgetOptions {
  /** How long an attachment may wait for room. */
  waitMs?: number;
  /** The most that one channel may hold. */
  channelBytesMax?: number;
}

interface Waiter {
  channelId: string;
  bytes: number;
  admit(): void;
}

const defaultWaitMs = 60_000;

export function createDiskBudget(
  bytesMax: number,
  { waitMs = defaultWaitMs, channelBytesMax = bytesMax }: DiskBudgetOptions = {},
): DiskBudget {
  let free = bytesMax;
  const waiters = new Set<Waiter>();
  const held = new Map<string, number>();

  const heldBy = (channelId: string) => held.get(channelId) ?? 0;
  const take = (channelId: string, bytes: number) => {
    free -= bytes;
    const total = heldBy(channelId) + bytes;
    if (total === 0) held.delete(channelId);
    else held.set(channelId, total);
  };
  const next = () => {
    let chosen: Waiter | undefined;
    for (const waiter of waiters) {
      const isWithin = heldBy(waiter.channelId) + waiter.bytes <= channelBytesMax;
      if (isWithin && (!chosen || heldBy(waiter.channelId) < heldBy(chosen.channelId))) chosen = waiter;
    }
    return chosen;
  };
  const admit = () => {
    for (let waiter = next(); waiter && waiter.bytes <= free; waiter = next()) {
      take(waiter.channelId, waiter.bytes);
      waiters.delete(waiter);
      waiter.admit();
    }
  };
  const reservation = (channelId: string, bytes: number): Reservation => {
    let left = bytes;
    const shrink = (kept: number) => {
      const given = Math.max(0, left - kept);
      left -= given;
      take(channelId, -given);
      admit();
    };
    return { shrink, [Symbol.dispose]: () => shrink(0) };
  };

  return {
    async reserve(channelId, bytes, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
      limit.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { channelId, bytes, admit: resolve };
      const giveUp = () => {
        waiters.delete(waiter);
        reject(signal.aborted ? signal.reason : new Error("Other attachments take up all the room on disk"));
      };
      limit.addEventListener("abort", giveUp);
      waiters.add(waiter);
      admit();
      await promise.finally(() => limit.removeEventListener("abort", giveUp));
      return reservation(channelId, bytes);
    },
  };
}
