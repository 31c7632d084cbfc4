/** How many closed states of a kind a session keeps. libsignal keeps 40 in all, which is 35 KB a row (measured). */
const closedMax = 4;
const openMark = -1;

interface SessionState {
  indexInfo: { closed: number; used?: number };
  /** There until the contact has written in this session. */
  pendingPreKey?: unknown;
}

/**
 * A serialized libsignal session record with its open state and, of those closed, the four used last in which the contact
 * has written and the four used last in which it has not; the order of the states stays. What still waits at WhatsApp may
 * be written in a session that was rebuilt often since: sends that lines drop under rebuild it each time. Anything that is
 * not such a record comes back as it is.
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
