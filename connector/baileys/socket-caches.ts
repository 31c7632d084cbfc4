import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { CacheStore } from "./baileys.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The most entries of each of a channel's Baileys caches. */
const devicesMax = 5_000;
const retriesMax = 5_000;
const callsMax = 500;
const placeholdersMax = 5_000;
const uploadsMax = 500;

/** The size of each cache, and how long an entry lives after it was set. */
const sizes = {
  /** Without it every contact costs a device query and one of their one-time pre-keys every 5 minutes. */
  userDevicesCache: { max: devicesMax, ttl: 24 * hourMs },
  msgRetryCounterCache: { max: retriesMax, ttl: hourMs },
  callOfferCache: { max: callsMax, ttl: 5 * minuteMs },
  placeholderResendCache: { max: placeholdersMax, ttl: hourMs },
  mediaCache: { max: uploadsMax, ttl: hourMs },
} as const;

export type SocketCaches = Record<keyof typeof sizes, CacheStore>;

/** Creates the cache options of a socket: one set per channel, made by its owner so that it outlives the sockets. */
export function createSocketCaches(): SocketCaches {
  return {
    userDevicesCache: createCache(sizes.userDevicesCache),
    msgRetryCounterCache: createCache(sizes.msgRetryCounterCache),
    callOfferCache: createCache(sizes.callOfferCache),
    placeholderResendCache: createCache(sizes.placeholderResendCache),
    mediaCache: createCache(sizes.mediaCache),
  };
}

function createCache({ max, ttl }: { max: number; ttl: number }): CacheStore {
  const entries = createBoundedCache(max, { ttl });
  return {
    get: <T>(key: string) => entries.get(key) as T | undefined,
    set: (key, value) => void entries.set(key, value ?? undefined),
    del: (key) => void entries.delete(key),
    flushAll: () => entries.clear(),
  };
}
