/** Lets callers wait until a value that changes over time satisfies a test. */
export interface Condition<T> {
  /** Resolves with the value as soon as `test` holds for it; to null when it did not within `ms`. */
  until(test: (value: T) => boolean, ms: number): Promise<T | null>;
  /** Tests the value again for everyone who waits; call it after each change. */
  changed(): void;
}

export function createCondition<T>(read: () => T): Condition<T> {
  const waiters = new Set<() => void>();

  return {
    until(test, ms) {
      return new Promise((resolve) => {
        const settle = (result: T | null) => {
          clearTimeout(timer);
          waiters.delete(check);
          resolve(result);
        };
        const check = () => {
          const value = read();
          if (test(value)) settle(value);
        };
        const timer = setTimeout(() => settle(null), ms);
        waiters.add(check);
        check();
      });
    },
    changed() {
      for (const check of [...waiters]) check();
    },
  };
}
