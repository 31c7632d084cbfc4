import { LRUCache } from "lru-cache";

/**
 * Creates a cache that drops what was used least recently beyond `entriesMax`. `lru-cache` allocates a slot for each of its
 * `max` entries at once, 1.1 MB for the caches of one idle channel; counted as a size, entries take room when they come.
 */
export function createBoundedCache<V extends NonNullable<unknown>>(
  entriesMax: number,
  options: { ttl?: number; updateAgeOnGet?: boolean } = {},
): LRUCache<string, V> {
  return new LRUCache<string, V>({ ...options, maxSize: entriesMax, sizeCalculation: () => 1 });
}
