/** Which rows of a key store's journal may be stored, so that the others need not be looked for. */
export interface JournalIndex {
  /** All that were stored at some moment of this store's life; those written or deleted since are known already. */
  found(rows: Iterable<string>): void;
  /** To be told before the write. */
  writing(row: string): void;
  /** To be told once no read gives the rows any more. */
  deleted(rows: Iterable<string>): void;
  /** Never wrongly false; true for every row until `found` was called. */
  mayHave(row: string): boolean;
}

/** With more it no longer keeps count, and every row may be stored. */
const rowsMax = 50_000;

/** A store is the only writer of its channel's journal, from before `found` to its end. */
export function createJournalIndex(): JournalIndex {
  const rows = new Set<string>();
  let isComplete = false;
  let isBeyond = false;

  const add = (row: string) => {
    if (isBeyond) return;
    rows.add(row);
    isBeyond = rows.size > rowsMax;
    if (isBeyond) rows.clear();
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
    mayHave: (row) => isBeyond || !isComplete || rows.has(row),
  };
}
