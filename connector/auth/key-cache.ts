import { LRUCache } from "lru-cache";

const rowsMax = 2_000;
const charactersMax = 8 * 1024 * 1024;

/** The texts of a channel's rows; `null` is known to be absent, `undefined` is unknown. */
export interface KeyCache {
  get(rowId: string): string | null | undefined;
  set(rowId: string, text: string | null): void;
  clear(): void;
}

/**
 * Creates the cache of one channel and epoch: a cache that outlived the ownership would serve old ratchets. It holds
 * text, so every reader gets a copy of its own; Baileys mutates the values it reads, and a send that is rolled back
 * must not leave its changes behind.
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
