import { LRUCache } from "lru-cache";

const rowsMax = 2_000;
const charactersMax = 8 * 1024 * 1024;
/** A row counts as its part of the room at least: a bound in rows would allocate a slot for each of them at once. */
const rowSizeMin = Math.floor(charactersMax / rowsMax);

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
    maxSize: charactersMax,
    sizeCalculation: ({ text }, rowId) => Math.max(rowSizeMin, rowId.length + (text?.length ?? 0)),
  });
  return {
    get: (rowId) => rows.get(rowId)?.text,
    set: (rowId, text) => void rows.set(rowId, { text }),
    clear: () => rows.clear(),
  };
}
