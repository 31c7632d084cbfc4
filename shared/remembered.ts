/**
 * Calls `read` at most once at a time and once per `ms`, however often the returned function is called: everybody gets
 * the latest result, a rejection included.
 */
export function remembered<T>(read: () => Promise<T>, ms: number): () => Promise<T> {
  let latest: { result: Promise<T>; expiresAt: number } | null = null;
  return () => {
    if (latest && performance.now() < latest.expiresAt) return latest.result;
    const entry = { result: read(), expiresAt: Number.POSITIVE_INFINITY };
    const startLifetime = () => {
      entry.expiresAt = performance.now() + ms;
    };
    entry.result.then(startLifetime, startLifetime);
    latest = entry;
    return entry.result;
  };
}
