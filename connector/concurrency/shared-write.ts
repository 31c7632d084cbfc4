/** Lets whatever waits at the same moment share a write: one runs at a time, and what arrives meanwhile shares the next. */
export interface SharedWrite<Item, Result> {
  /** Resolves to the item's own result once its write is confirmed. Rejects with its own error, or with that of the write. */
  submit(item: Item): Promise<Result>;
}

export interface SharedWriteOptions<Item, Result> {
  /**
   * Writes all items with as few commands as possible. Resolves to their results in the same order; an `Error` among them
   * rejects its own item only. When it rejects, so do all items.
   */
  write(items: readonly Item[]): Promise<readonly (Result | Error)[]>;
  /** How many items one write holds. */
  itemsMax: number;
}

interface Waiting<Item, Result> {
  item: Item;
  done: PromiseWithResolvers<Result>;
}

export function createSharedWrite<Item, Result>({
  write,
  itemsMax,
}: SharedWriteOptions<Item, Result>): SharedWrite<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let isWriting = false;

  const writeBatch = async (batch: readonly Waiting<Item, Result>[]) => {
    try {
      const results = await write(batch.map(({ item }) => item));
      for (const [index, { done }] of batch.entries()) {
        const result = results[index];
        if (result instanceof Error) done.reject(result);
        else done.resolve(result as Result);
      }
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
  };
  const drain = async () => {
    while (waiting.length > 0) await writeBatch(waiting.splice(0, itemsMax));
    isWriting = false;
  };

  return {
    submit(item) {
      const done = Promise.withResolvers<Result>();
      waiting.push({ item, done });
      if (!isWriting) {
        isWriting = true;
        // After the current turn, so that everything submitted in it shares the first write.
        setImmediate(() => void drain());
      }
      return done.promise;
    },
  };
}
