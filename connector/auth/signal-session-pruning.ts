/** The closed states of each kind that a session keeps. libsignal keeps 40 in all, which is 35 KB a row (measured). */
const closedMax = 4;
const openMark = -1;

interface SessionState {
  indexInfo: { closed: number; used?: number };
  /** Present until the contact has sent a message in this session. */
  pendingPreKey?: unknown;
}

/**
 * Prunes a serialized libsignal session record. It keeps the open state and, of the closed ones, the four last used in
 * which the contact has answered and the four last used in which it has not, in their order. A message still queued at
 * WhatsApp may be encrypted in a session that has been rebuilt many times since: each send interrupted by a lost
 * connection rebuilds it. Returns any other value unchanged.
 */
export function pruneSession(record: unknown): unknown {
  if (!isRecord(record)) return record;
  const states = Object.entries(record._sessions);
  const closed = states.filter(([, { indexInfo }]) => indexInfo.closed !== openMark);
  if (closed.length <= closedMax) return record;
  const isAnswered = ([, { pendingPreKey }]: Entry) => !pendingPreKey;
  const kinds = [closed.filter(isAnswered), closed.filter((entry) => !isAnswered(entry))];
  const dropped = new Set(kinds.flatMap((kind) => kind.sort(byLastUse).slice(closedMax)));
  return { ...record, _sessions: Object.fromEntries(states.filter((state) => !dropped.has(state))) };
}

type Entry = [string, SessionState];

function byLastUse([, a]: Entry, [, b]: Entry): number {
  return (b.indexInfo.used ?? 0) - (a.indexInfo.used ?? 0);
}

function isRecord(value: unknown): value is { _sessions: Record<string, SessionState> } {
  return typeof value === "object" && value !== null && "_sessions" in value;
}
