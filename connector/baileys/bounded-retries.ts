import { LRUCache } from "lru-cache";
import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { WASocket } from "./baileys.ts";

const rememberedMax = 5_000;
const rememberedMs = 15 * 60_000;
/** The most Signal sessions whose key is compared when a contact asks for a message once more. */
const baseKeysMax = 1_024;
/** The most messages for which the phone is about to be asked. */
const phoneRequestsMax = 100;

const mappingsMax = 10_000;
const mappingMs = 3 * 24 * 60 * 60_000;

/** The parts of Baileys' retry manager that grow with what contacts send. */
interface RetryManager {
  addRecentMessage(to: string, id: string, message: unknown): void;
  schedulePhoneRequest(id: string, request: () => void, delayMs?: number): void;
  pendingPhoneRequests: object;
  recentMessagesMap: Map<string, unknown>;
  baseKeys: LRUCache<string, NonNullable<unknown>>;
  retryCounters: LRUCache<string, number>;
  sessionRecreateHistory: LRUCache<string, number>;
}

/**
 * Bounds what Baileys remembers about messages that could not be decrypted, or may be asked for again: one entry, with a
 * timer, for each that a contact sends. It also keeps the last 512 messages whole, in and out; `getMessage` has ours, and
 * nobody may ask us for others'. Switched off whole (`enableRecentMessageCache`), it would no longer renew broken sessions.
 */
export function boundRetries(wa: WASocket): void {
  const manager = wa.messageRetryManager as unknown as RetryManager | null;
  if (!manager) throw new Error("Baileys has no retry manager.");
  const schedule = manager.schedulePhoneRequest.bind(manager);
  const remembered = () => createBoundedCache<number>(rememberedMax, { ttl: rememberedMs });
  manager.retryCounters = remembered();
  manager.sessionRecreateHistory = remembered();
  manager.addRecentMessage = () => undefined;
  manager.recentMessagesMap = new Map();
  manager.baseKeys = createBoundedCache(baseKeysMax, { ttl: rememberedMs });
  manager.schedulePhoneRequest = (...request) => {
    if (Object.keys(manager.pendingPhoneRequests).length < phoneRequestsMax) schedule(...request);
  };
}

/** Bounds Baileys' memory of who has which LID, one entry for each person who writes; it reads again what it forgot. */
export function boundMappings({ signalRepository }: Pick<WASocket, "signalRepository">): void {
  const mappings = signalRepository.lidMapping as unknown as { mappingCache: LRUCache<string, string> };
  if (!(mappings.mappingCache instanceof LRUCache)) throw new Error("Baileys has no cache of LIDs.");
  mappings.mappingCache = createBoundedCache(mappingsMax, { ttl: mappingMs, updateAgeOnGet: true });
}
