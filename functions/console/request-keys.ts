/** How long a request without an answer may be repeated as the same one. Later, the user means another. */
const repeatMsMax = 10 * 60_000;
const openMax = 50;

/** Gives a request that is sent again, because its answer was lost, the key of the first attempt: it has one effect. */
export function createRequestKeys(now: () => number = Date.now) {
  const open = new Map<string, { key: string; at: number }>();
  return {
    /** The key of a request that is about to be sent. The same text is the same request until it is settled. */
    keyOf(request: string): string {
      const earlier = open.get(request);
      if (earlier && now() - earlier.at < repeatMsMax) return earlier.key;
      const key = newKey();
      open.delete(request);
      open.set(request, { key, at: now() });
      for (const [oldest] of [...open].slice(0, -openMax)) open.delete(oldest);
      return key;
    },
    /** The request was answered for good: the same text is another request from now on. */
    settle(request: string): void {
      open.delete(request);
    },
  };
}

/** `crypto.randomUUID` exists only on https and localhost. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
