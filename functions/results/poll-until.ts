import { createInterruptiblePause } from "./interruptible-pause.ts";

export interface PollOptions {
  /** How long to go on, in milliseconds; and what ends it before. */
  waitMs: number;
  signal: AbortSignal;
  /** Milliseconds between looks; the last one repeats. */
  pausesMs: readonly number[];
  /** `ring` cuts the present pause short. Returns how to stop listening. */
  listen?: ((ring: () => void) => () => void) | undefined;
}

/** Looks again and again until there is something: null when time is over or `signal` aborts. Rejects as `look` does. */
export async function pollUntil<T>(
  look: () => Promise<T | null>,
  { waitMs, signal, pausesMs, listen }: PollOptions,
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
  const hangUp = listen?.(interrupt);
  const lookUntilOver = async () => {
    for (let attempt = 0; !isOver; attempt++) {
      const found = await look();
      if (found !== null) return found;
      if (!isOver) await pause(pausesMs[attempt] ?? pausesMs.at(-1) ?? waitMs);
    }
    return null;
  };
  try {
    // A look that hangs, because the database does, does not make the wait any longer.
    return await Promise.race([lookUntilOver(), over.promise]);
  } finally {
    isOver = true;
    interrupt();
    hangUp?.();
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
