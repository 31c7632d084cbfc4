/** The closed states of each kind that a session keeps. libsignal keeps 40 in all, which is 35 KB a row (measured). */
const closedMax = 4;
const openMark = -1;

/** The most receiving chains of a state, as in Signal's own library; libsignal keeps all, one for each of our answers. */
const chainsMax = 5;
/** The most keys of a state for messages that have not arrived. A contact can skip 2,000 with each message. */
const skippedMax = 2_000;
const receiving = 2;

interface Chain {
  chainType: number;
  messageKeys: Record<string, unknown>;
}

interface SessionState {
  _chains?: Record<string, Chain>;
  indexInfo: { closed: number; used?: number };
  /** Present until the contact has sent a message in this session. */
  pendingPreKey?: unknown;
}

/**
 * Prunes a serialized libsignal session record, whose size is otherwise the contact's to choose: beyond 16 MB, MongoDB would
 * refuse it, and with it every later write of the channel. It keeps the open state and, of the closed ones, the four last used in
 * which the contact has answered and the four last used in which it has not, in their order. A message still queued at
 * WhatsApp may be encrypted in a session that has been rebuilt many times since: each send interrupted by a lost
 * connection rebuilds it. Returns any other value unchanged.
 */
export function pruneSession(record: unknown): unknown {
  if (!isRecord(record)) return record;
  const states = Object.entries(record._sessions);
  const closed = states.filter(([, { indexInfo }]) => indexInfo.closed !== openMark);
  const isAnswered = ([, { pendingPreKey }]: Entry) => !pendingPreKey;
  const kinds = [closed.filter(isAnswered), closed.filter((entry) => !isAnswered(entry))];
  const dropped = new Set(kinds.flatMap((kind) => kind.sort(byLastUse).slice(closedMax)));
  const kept = states.filter((state) => !dropped.has(state));
  const pruned = kept.map(([id, state]): Entry => [id, pruneChains(state)]);
  const isSame = dropped.size === 0 && pruned.every(([, state], index) => state === kept[index]?.[1]);
  return isSame ? record : { ...record, _sessions: Object.fromEntries(pruned) };
}

/** Keeps the newest receiving chains of a state, and in them the newest keys. Returns a state within its limits unchanged. */
function pruneChains(state: SessionState): SessionState {
  const chains = Object.entries(state._chains ?? {});
  const received = chains.filter(([, { chainType }]) => chainType === receiving);
  const skipped = received.reduce((sum, [, { messageKeys }]) => sum + Object.keys(messageKeys).length, 0);
  if (received.length <= chainsMax && skipped <= skippedMax) return state;
  const newest = new Map<string, Chain>();
  let room = skippedMax;
  for (const [id, chain] of received.slice(-chainsMax).reverse()) {
    // The counters of the messages ascend.
    const keys = Object.entries(chain.messageKeys);
    const keptKeys = keys.slice(Math.max(0, keys.length - room));
    room -= keptKeys.length;
    newest.set(id, { ...chain, messageKeys: Object.fromEntries(keptKeys) });
  }
  const kept = chains.flatMap(([id, chain]): [string, Chain][] => {
    if (chain.chainType !== receiving) return [[id, chain]];
    const pruned = newest.get(id);
    return pruned ? [[id, pruned]] : [];
  });
  return { ...state, _chains: Object.fromEntries(kept) };
}

type Entry = [string, SessionState];

function byLastUse([, a]: Entry, [, b]: Entry): number {
  return (b.indexInfo.used ?? 0) - (a.indexInfo.used ?? 0);
}

function isRecord(value: unknown): value is { _sessions: Record<string, SessionState> } {
  return typeof value === "object" && value !== null && "_sessions" in value;
}
