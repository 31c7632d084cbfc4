import type { WaitOptions } from "../account.ts";

const defaultTimeoutMs = 10_000;
const waitersMax = 1_000;

/** Lets callers wait for a message or receipt to arrive. */
export class Arrivals<T> {
  readonly #waiters = new Set<(arrival: T) => void>();
  readonly #noun: string;

  constructor(noun: string) {
    this.#noun = noun;
  }

  add(arrival: T): void {
    for (const waiter of [...this.#waiters]) waiter(arrival);
  }

  /** Resolves with the first arrival, in `past` or to come, that matches `predicate`. Rejects on timeout or abort. */
  wait(past: readonly T[], predicate: (arrival: T) => boolean, options: WaitOptions = {}): Promise<T> {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    const found = past.find(predicate);
    if (found !== undefined) return Promise.resolve(found);
    if (this.#waiters.size >= waitersMax)
      return Promise.reject(new Error(`too many callers are waiting for a ${this.#noun}`));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = (arrival: T): void => {
      if (predicate(arrival)) resolve(arrival);
    };
    const timer = setTimeout(() => reject(new Error(`no ${this.#noun} within ${timeoutMs} ms`)), timeoutMs);
    const abort = (): void => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    this.#waiters.add(waiter);
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.#waiters.delete(waiter);
    });
  }
}
