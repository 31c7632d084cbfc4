import { LRUCache } from "lru-cache";
import { hashSecret } from "#shared/api-key.ts";
import type { Caller } from "#shared/authentication.ts";
import type { Authentication } from "./store.ts";

const keptMs = 30_000;
const callersMax = 10_000;

export interface CachedAuthentication extends Authentication {
  /** For a session that has just ended here. */
  forgetSession(cookie: string): void;
}

/** Remembers callers for 30 s, so a key that was revoked may go on for that long. Refusals are not remembered. */
export function cachedAuthentication(source: Authentication): CachedAuthentication {
  const callers = new LRUCache<string, Caller>({ max: callersMax, ttl: keptMs });

  const remembered = async (name: string, look: () => Promise<Caller>): Promise<Caller> => {
    const known = callers.get(name);
    if (known && !hasEnded(known)) return known;
    const caller = await look();
    callers.set(name, caller);
    return caller;
  };
  const keyName = (key: string) => `key ${hashSecret(key)}`;
  const sessionName = (cookie: string) => `session ${hashSecret(cookie)}`;
  return {
    byKey: (key) => remembered(keyName(key), () => source.byKey(key)),
    bySession: (cookie) => remembered(sessionName(cookie), () => source.bySession(cookie)),
    forgetSession: (cookie) => void callers.delete(sessionName(cookie)),
  };
}

function hasEnded({ expiresAt }: Caller): boolean {
  return expiresAt !== null && expiresAt <= new Date();
}
