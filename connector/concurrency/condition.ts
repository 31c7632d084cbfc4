/** Lets callers wait until a value that changes over time satisfies a test. */
export interface Condition<T> {
  /** Resolves with the value as soon as `test` holds for it; to null when it did not within `ms`, or before the signal aborts. */
  until(test: (value: T) => boolean, limit: number | AbortSignal): Promise<T | null>;
  /** Tests the value again for everyone who waits; call it after each change. */
  changed(): void;
}

export function createCondition<T>(read: () => T): Condition<T> {
  const waiters = new Set<() => void>();

  return {
    until(test, limit) {
      return new Promise((resolve) => {
        const settle = (result: T | null) => {
          stopLimit();
          waiters.delete(check);
          resolve(result);
        };
        const check = () => {
          const value = read();
          if (test(value)) settle(value);
        };
        const stopLimit = startLimit(limit, () => settle(null));
        waiters.add(check);
        check();
      });
    },
    changed() {
      for (const check of [...waiters]) check();
    },
  };
}

/** Calls `reached` at the limit, unless the returned function is called before. */
function startLimit(limit: number | AbortSignal, reached: () => void): () => void {
  if (typeof limit === "number") {
    const timer = setTimeout(reached, limit);
    return () => clearTimeout(timer);
  }
  // Not at once: the caller has not finished starting yet.
  if (limit.aborted) queueMicrotask(reached);
  limit.addEventListener("abort", reached);
  return () => limit.removeEventListener("abort", reached);
}
