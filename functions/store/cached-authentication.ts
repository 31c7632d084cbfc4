import { hashSecret } from "#shared/api-key.ts";
import type { Caller } from "#shared/authentication.ts";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { Authentication } from "./store.ts";

const cachedMs = 30_000;
const callersMax = 10_000;

export interface CachedAuthentication extends Authentication {
  /** Drops a session that has just ended in this process. */
  forgetSession(cookie: string): void;
}

/**
 * Caches callers for 30 s, so a revoked key may work for that long. Refusals are not cached. Requests that come while a caller is
 * read share the read.
 */
export function cachedAuthentication(source: Authentication): CachedAuthentication {
  const callers = createBoundedCache<Caller>(callersMax, { ttl: cachedMs });
  const reading = new Map<string, Promise<Caller>>();

  const cached = async (name: string, authenticate: () => Promise<Caller>): Promise<Caller> => {
    const known = callers.get(name) ?? reading.get(name);
    if (known) return await known;
    const own = authenticate();
    reading.set(name, own);
    try {
      const caller = await own;
      const ttl = Math.floor(Math.min(cachedMs, caller.validMs ?? cachedMs));
      // Not a session that was forgotten meanwhile.
      if (ttl > 0 && reading.get(name) === own) callers.set(name, caller, { ttl });
      return caller;
    } finally {
      if (reading.get(name) === own) reading.delete(name);
    }
  };
  const keyName = (key: string) => `key ${hashSecret(key)}`;
  const sessionName = (cookie: string) => `session ${hashSecret(cookie)}`;
  return {
    byKey: (key) => cached(keyName(key), () => source.byKey(key)),
    bySession: (cookie) => cached(sessionName(cookie), () => source.bySession(cookie)),
    forgetSession(cookie) {
      callers.delete(sessionName(cookie));
      reading.delete(sessionName(cookie));
    },
  };
}
