import { LRUCache } from "lru-cache";

const rowsMax = 2_000;
const charactersMax = 8 * 1024 * 1024;

/** What a channel's rows hold, as text; `null` is known to be absent, `undefined` is not known. */
export interface KeyCache {
  get(rowId: string): string | null | undefined;
  set(rowId: string, text: string | null): void;
  clear(): void;
}

/**
 * One per channel and epoch: a cache that outlives the ownership serves old ratchets. It holds text, so that every
 * reader gets a value of its own; Baileys changes what it was given, and a send that is rolled back must not leave its
 * changes behind.
 */
export function createKeyCache(): KeyCache {
  const rows = new LRUCache<string, { text: string | null }>({
    max: rowsMax,
    maxSize: charactersMax,
    sizeCalculation: ({ text }, rowId) => rowId.length + (text?.length ?? 0),
  });
  return {
    get: (rowId) => rows.get(rowId)?.text,
    set: (rowId, text) => void rows.set(rowId, { text }),
    clear: () => rows.clear(),
  };
}
