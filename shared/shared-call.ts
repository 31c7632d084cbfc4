import { createSharedStart, type Sharing } from "./shared-start.ts";

/**
 * Lets whatever waits at the same moment share one call to the database: one runs at a time, and what arrives meanwhile shares
 * the next. A call that stalls, on a connection that is dead without saying so, does not hold up the next.
 */
export interface SharedCall<Item, Result> {
  /** Resolves to the item's own result. Rejects with its own error, or with that of the call. */
  submit(item: Item): Promise<Result>;
}

export interface SharedCallOptions<Item, Result> {
  /**
   * Handles all items with as few commands as possible. Resolves to their results in the same order; an `Error` among them
   * rejects its own item only, and a promise settles it later. When it rejects, so do all items.
   */
  call(items: readonly Item[]): Promise<readonly (Result | Error | Promise<Result>)[]>;
  /** Whether items wait for one another before they are submitted: a full call then does not show that the process is busy. */
  areGathered?: boolean;
  /** How many items one call takes; only tests need another number. */
  itemsMax?: number;
  /** As in `createSharedStart`. */
  sharing?: Sharing;
}

const sharedMax = 100;
/** How long a call may hold up the next. */
const stallMs = 250;

interface Waiting<Item, Result> {
  item: Item;
  done: PromiseWithResolvers<Result>;
}

export function createSharedCall<Item, Result>({
  call,
  areGathered = false,
  itemsMax = sharedMax,
  sharing,
}: SharedCallOptions<Item, Result>): SharedCall<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  const start = createSharedStart(sharing);
  let isCalling = false;

  const callFor = async (batch: readonly Waiting<Item, Result>[]) => {
    try {
      const results = await call(batch.map(({ item }) => item));
      for (const [index, { done }] of batch.entries()) {
        const result = results[index];
        if (result instanceof Error) done.reject(result);
        else done.resolve(result as Result | Promise<Result>);
      }
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
  };
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, itemsMax);
      // Two may have come by chance.
      if (batch.length > 2 && !areGathered) start.noteShared();
      await endedOrStalled(callFor(batch));
    }
    isCalling = false;
    start.noteEnd();
  };

  return {
    submit(item) {
      const done = Promise.withResolvers<Result>();
      waiting.push({ item, done });
      if (!isCalling) {
        isCalling = true;
        start.begin(() => void drain());
      }
      return done.promise;
    },
  };
}

async function endedOrStalled(call: Promise<void>): Promise<void> {
  const stalled = Promise.withResolvers<void>();
  const timer = setTimeout(stalled.resolve, stallMs);
  await Promise.race([call, stalled.promise]);
  clearTimeout(timer);
}
