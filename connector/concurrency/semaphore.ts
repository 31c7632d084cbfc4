/** Runs work as it comes, `count` at a time; the rest waits in order. */
export type Semaphore = <T>(work: () => Promise<T>) => Promise<T>;

export function createSemaphore(count: number): Semaphore {
  const waiting: Array<() => void> = [];
  let free = count;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
