/** How long the sends behind one wait for it. The time runs while it is not in its turn on the wire. */
export interface Patience {
  /** Resolves when the time is over. */
  readonly over: Promise<void>;
  /** Stops the time. */
  pause(): void;
  /** Begins it anew. */
  resume(): void;
}

export function createPatience(ms: number): Patience {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let timer = setTimeout(resolve, ms);
  return {
    over,
    pause: () => clearTimeout(timer),
    resume() {
      clearTimeout(timer);
      timer = setTimeout(resolve, ms);
    },
  };
}
