/**
 * Calls `read` at most once at a time and once per `ms`, however often the returned function is called: everybody gets
 * the latest result, a rejection included. A result that `isKept` refuses is read again by the next call.
 */
export function remembered<T>(
  read: () => Promise<T>,
  ms: number,
  isKept: (result: T) => boolean = () => true,
): () => Promise<T> {
  let latest: { result: Promise<T>; expiresAt: number } | null = null;
  return () => {
    if (latest && performance.now() < latest.expiresAt) return latest.result;
    const entry = { result: read(), expiresAt: Number.POSITIVE_INFINITY };
    const startLifetime = (lastsMs: number) => {
      entry.expiresAt = performance.now() + lastsMs;
    };
    entry.result.then(
      (result) => startLifetime(isKept(result) ? ms : 0),
      () => startLifetime(ms),
    );
    latest = entry;
    return entry.result;
  };
}
