/** The rows of a channel that are to be deleted in the background. */
export interface Discards {
  /** Deletes rows. Resolves when they are deleted, or cannot be: they expire then. */
  add(rowIds: readonly string[]): Promise<void>;
  /** Whether a row counts as deleted although it may still be stored. */
  has(rowId: string): boolean;
  /** Resolves when nothing is left to delete. */
  idle(): Promise<void>;
}

export interface DiscardsOptions {
  /** Resolves when everything written so far is stored: a row must not be stored after its deletion. */
  stored(): Promise<void>;
  remove(rowIds: readonly string[]): Promise<void>;
}

/** Deletes one lot at a time; what is added meanwhile is the next one. */
export function createDiscards({ stored, remove }: DiscardsOptions): Discards {
  const rows = new Set<string>();
  let running: Promise<void> | null = null;

  const drain = async () => {
    for (let lot = [...rows]; lot.length > 0; lot = [...rows]) {
      await stored()
        .then(() => remove(lot))
        .catch(() => undefined);
      for (const row of lot) rows.delete(row);
    }
    running = null;
  };
  return {
    async add(rowIds) {
      for (const row of rowIds) rows.add(row);
      if (rows.size > 0) running ??= drain();
      await running;
    },
    has: (rowId) => rows.has(rowId),
    async idle() {
      await running;
    },
  };
}
