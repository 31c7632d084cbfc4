/** The rows of a key store's journal that might exist; no other row needs to be read. */
export interface JournalIndex {
  /** Adds all rows stored at some time since the store opened; writes and deletions since then are known already. */
  found(rows: Iterable<string>): void;
  /** Call before the write. */
  writing(row: string): void;
  /** Call when no read returns the rows any longer. */
  deleted(rows: Iterable<string>): void;
  /** Never falsely false; true for every row until `found` has been called. */
  mayHave(row: string): boolean;
}

/** Beyond this, the index stops tracking rows and every row might exist. */
const rowsMax = 50_000;

/** Relies on the store being the only writer of its channel's journal, from before `found` to its end. */
export function createJournalIndex(): JournalIndex {
  const rows = new Set<string>();
  let isComplete = false;
  let isOverflowed = false;

  const add = (row: string) => {
    if (isOverflowed) return;
    rows.add(row);
    isOverflowed = rows.size > rowsMax;
    if (isOverflowed) rows.clear();
  };
  return {
    found(all) {
      for (const row of all) add(row);
      isComplete = true;
    },
    writing: add,
    deleted(gone) {
      for (const row of gone) rows.delete(row);
    },
    mayHave: (row) => isOverflowed || !isComplete || rows.has(row),
  };
}
