import { LRUCache } from "lru-cache";
import type { WASocket } from "./baileys.ts";

const rememberedMax = 5_000;
const rememberedMs = 15 * 60_000;
/** The most messages for which the phone is about to be asked. */
const phoneRequestsMax = 100;

/** The parts of Baileys' retry manager that grow with what contacts send. */
interface RetryManager {
  addRecentMessage(to: string, id: string, message: unknown): void;
  schedulePhoneRequest(id: string, request: () => void, delayMs?: number): void;
  pendingPhoneRequests: object;
  retryCounters: LRUCache<string, number>;
  sessionRecreateHistory: LRUCache<string, number>;
}

/**
 * Bounds what Baileys remembers about messages that could not be decrypted, or may be asked for again: one entry, with a
 * timer, for each that a contact sends. It also keeps the last 512 messages whole, in and out; `getMessage` has ours, and
 * nobody may ask us for others'.
 */
export function boundRetries(wa: WASocket): void {
  const manager = wa.messageRetryManager as unknown as RetryManager | null;
  if (!manager) throw new Error("Baileys has no retry manager.");
  const schedule = manager.schedulePhoneRequest.bind(manager);
  const remembered = () => new LRUCache<string, number>({ max: rememberedMax, ttl: rememberedMs });
  manager.retryCounters = remembered();
  manager.sessionRecreateHistory = remembered();
  manager.addRecentMessage = () => undefined;
  manager.schedulePhoneRequest = (...request) => {
    if (Object.keys(manager.pendingPhoneRequests).length < phoneRequestsMax) schedule(...request);
  };
}
