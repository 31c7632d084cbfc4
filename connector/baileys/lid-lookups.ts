import { createBoundedCache } from "#shared/bounded-cache.ts";
import type { makeLibSignalRepository } from "./baileys.ts";
import { holdsLock, isAtomic } from "./key-transactions.ts";
import { isAwaited } from "./message-turns.ts";

type LookUpLids = NonNullable<Parameters<typeof makeLibSignalRepository>[2]>;
type LidMapping = ReturnType<typeof makeLibSignalRepository>["lidMapping"];

/** How long WhatsApp's answer to a lookup is waited for: received messages wait with it. */
const answerMs = 5_000;
/** A number whose LID WhatsApp did not tell is not asked for again for this long. */
const forgottenAfterMs = 60_000;
const unknownMax = 5_000;
/** While WhatsApp leaves lookups unanswered, received messages wait for one of them in this time, whoever writes. */
const silentMs = 60_000;

/**
 * Bounds Baileys' lookups of the LIDs of numbers, which it makes wherever it needs a session and repeats each time for a
 * number without one. Inside atomic work none is made: the number's own address counts there, as it does when the lookup
 * fails. A LID that is stored is found without a lookup.
 */
export function boundedLookups(lookUp: LookUpLids): LookUpLids {
  const unknown = createBoundedCache<true>(unknownMax, { ttl: forgottenAfterMs });
  let silentSince = Number.NEGATIVE_INFINITY;
  const mustNotAsk = () => isAtomic() || (isAwaited() && performance.now() - silentSince < silentMs);
  return async (jids) => {
    const asked = mustNotAsk() ? [] : jids.filter((jid) => !unknown.has(jid));
    if (asked.length === 0) return [];
    // Baileys would refuse the message whose sender it looks up, and WhatsApp not deliver it again.
    const found = await inTime(lookUp(asked).catch(() => []));
    if (found === undefined) silentSince = performance.now();
    const known = new Set(found?.map(({ pn }) => pn));
    for (const jid of asked) if (!known.has(jid)) unknown.set(jid, true);
    return found ?? [];
  };
}

/** Resolves to undefined when the time is over. */
async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, answerMs, undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Baileys joins a lookup to one for the same numbers that is under way. Inside the channel's lock that is a deadlock, if the
 * other one has its answer and waits for the lock to store it: a lookup there is one of its own.
 */
export function lookUpAloneInsideLock(mapping: LidMapping): void {
  const joining = mapping.getLIDsForPNs.bind(mapping);
  const alone: typeof joining = Reflect.get(mapping, "_getLIDsForPNsImpl").bind(mapping);
  mapping.getLIDsForPNs = async (pns) => (holdsLock() ? await alone(pns) : await joining(pns));
}
