/** Rows in `messages` that are behind the log, or about to be. */
export interface Unraised {
  /** Counts what comes after this number of the log as unraised until `work` has raised it; for good if it fails. */
  count(after: number, work: () => Promise<unknown>): void;
  /** The number after which the log may have statuses that the rows do not have yet; undefined if they have all. */
  after(): number | undefined;
  /** Resolves when what is counted now is raised, or could not be. */
  idle(): Promise<void>;
}

/** `onError` hears of rows that could not be raised. Count in ascending order. */
export function createUnraised(onError: (error: unknown) => void): Unraised {
  const counted = new Set<{ after: number; done: Promise<void> }>();

  return {
    count(after, work) {
      const one = { after, done: Promise.resolve() };
      counted.add(one);
      one.done = work().then(() => void counted.delete(one), onError);
    },
    after() {
      const [oldest] = counted;
      return oldest?.after;
    },
    async idle() {
      await Promise.all([...counted].map(({ done }) => done));
    },
  };
}
