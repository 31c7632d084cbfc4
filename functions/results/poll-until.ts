import { createInterruptiblePause } from "./interruptible-pause.ts";

export interface PollOptions {
  /** How long to poll. */
  waitMs: number;
  /** Ends the polling early. */
  signal: AbortSignal;
  /** There can be no result yet: the first read comes after the first pause. */
  isEarly?: boolean;
  /** Milliseconds between reads; the last one repeats. */
  pausesMs: readonly number[];
  /** Starts listening; `ring` cuts the current pause short. Returns a function that stops listening. */
  listen?: ((ring: () => void) => () => void) | undefined;
}

/** Reads until a result exists: null when `waitMs` have passed or `signal` aborts. Rejects as `read` does. */
export async function pollUntil<T>(
  read: () => Promise<T | null>,
  { waitMs, signal, isEarly = false, pausesMs, listen }: PollOptions,
): Promise<T | null> {
  const over = Promise.withResolvers<null>();
  const { interrupt, pause } = createInterruptiblePause();
  let isOver = signal.aborted;
  const end = () => {
    isOver = true;
    over.resolve(null);
    interrupt();
  };
  const timer = setTimeout(end, waitMs);
  signal.addEventListener("abort", end, { once: true });
  const stopListening = listen?.(interrupt);
  const readUntilOver = async () => {
    for (let attempt = 0; !isOver; attempt++) {
      const found = isEarly && attempt === 0 ? null : await read();
      if (found !== null) return found;
      if (!isOver) await pause(pausesMs[attempt] ?? pausesMs.at(-1) ?? waitMs);
    }
    return null;
  };
  try {
    // A read that hangs with the database does not prolong the wait.
    return await Promise.race([readUntilOver(), over.promise]);
  } finally {
    isOver = true;
    interrupt();
    stopListening?.();
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
