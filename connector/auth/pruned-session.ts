/** How many closed states a session keeps. libsignal keeps 40, which is 35 KB a row (measured). */
const closedMax = 4;
const openMark = -1;

interface SessionState {
  indexInfo: { closed: number; used?: number };
}

/**
 * A serialized libsignal session record with its open state and the four closed ones that were used last; the order
 * of the states stays. Anything that is not such a record comes back as it is.
 */
export function prunedSession(record: unknown): unknown {
  if (!isRecord(record)) return record;
  const states = Object.entries(record._sessions);
  const closed = states.filter(([, { indexInfo }]) => indexInfo.closed !== openMark);
  if (closed.length <= closedMax) return record;
  const dropped = new Set(closed.sort(byLastUse).slice(closedMax));
  return { ...record, _sessions: Object.fromEntries(states.filter((state) => !dropped.has(state))) };
}

type Entry = [string, SessionState];

function byLastUse([, a]: Entry, [, b]: Entry): number {
  return (b.indexInfo.used ?? 0) - (a.indexInfo.used ?? 0);
}

function isRecord(value: unknown): value is { _sessions: Record<string, SessionState> } {
  return typeof value === "object" && value !== null && "_sessions" in value;
}
