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

/** Caches callers for 30 s, so a revoked key may work for that long. Refusals are not cached. */
export function cachedAuthentication(source: Authentication): CachedAuthentication {
  const callers = createBoundedCache<Caller>(callersMax, { ttl: cachedMs });

  const cached = async (name: string, authenticate: () => Promise<Caller>): Promise<Caller> => {
    const known = callers.get(name);
    if (known) return known;
    const caller = await authenticate();
    const ttl = Math.floor(Math.min(cachedMs, caller.validMs ?? cachedMs));
    if (ttl > 0) callers.set(name, caller, { ttl });
    return caller;
  };
  const keyName = (key: string) => `key ${hashSecret(key)}`;
  const sessionName = (cookie: string) => `session ${hashSecret(cookie)}`;
  return {
    byKey: (key) => cached(keyName(key), () => source.byKey(key)),
    bySession: (cookie) => cached(sessionName(cookie), () => source.bySession(cookie)),
    forgetSession: (cookie) => void callers.delete(sessionName(cookie)),
  };
}
