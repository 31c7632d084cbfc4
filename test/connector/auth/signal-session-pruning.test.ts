import fc from "fast-check";
import { expect, test } from "vitest";
import { pruneSession } from "#connector/auth/signal-session-pruning.ts";

const state = fc.record({
  indexInfo: fc.record({ closed: fc.oneof(fc.constant(-1), fc.nat()), used: fc.nat() }),
});

interface Record {
  _sessions: { [key: string]: { indexInfo: { closed: number; used: number } } };
  version: string;
}

test("pruning keeps open states and the four most recently used closed ones", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.base64String({ minLength: 4 }), state), (sessions) => {
      const record: Record = { _sessions: sessions, version: "v1" };
      const kept = pruneSession(record) as Record;
      const closed = (from: Record) =>
        Object.values(from._sessions).filter(({ indexInfo }) => indexInfo.closed !== -1);
      const open = (from: Record) =>
        Object.values(from._sessions).filter(({ indexInfo }) => indexInfo.closed === -1);
      const uses = (from: Record) =>
        closed(from)
          .map(({ indexInfo }) => indexInfo.used)
          .sort((a, b) => b - a);
      expect(kept.version).toBe("v1");
      expect(open(kept)).toEqual(open(record));
      expect(uses(kept)).toEqual(uses(record).slice(0, 4));
    }),
  );
});

test("pruning keeps the order of the states", () => {
  const entry = (used: number) => ({ indexInfo: { closed: 1, used } });
  const _sessions = { a: entry(1), b: entry(6), c: entry(2), d: entry(5), e: entry(3), f: entry(4) };
  expect(Object.keys((pruneSession({ _sessions, version: "v1" }) as Record)._sessions)).toEqual([
    "b",
    "d",
    "e",
    "f",
  ]);
});

test("rebuilt, unanswered sessions do not displace the one the contact writes in", () => {
  const unanswered = (used: number) => ({ indexInfo: { closed: 1, used }, pendingPreKey: { baseKey: "" } });
  const rebuilt = [2, 3, 4, 5, 6, 7].map((used) => [`rebuilt ${used}`, unanswered(used)] as const);
  const _sessions = { answered: { indexInfo: { closed: 1, used: 1 } }, ...Object.fromEntries(rebuilt) };
  const kept = pruneSession({ _sessions, version: "v1" }) as Record;
  expect(Object.keys(kept._sessions)).toEqual([
    "answered",
    "rebuilt 4",
    "rebuilt 5",
    "rebuilt 6",
    "rebuilt 7",
  ]);
});

test("however many chains and keys a contact makes us keep, a record stays small", () => {
  const chain = (chainType: number, keys: number) => ({
    chainKey: { counter: keys, key: "k".repeat(44) },
    chainType,
    messageKeys: Object.fromEntries(Array.from({ length: keys }, (_, index) => [index, "k".repeat(44)])),
  });
  const hostile = () => ({
    indexInfo: { closed: 1, used: 1 },
    _chains: {
      ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`chain ${index}`, chain(2, 2_000)])),
      sending: chain(1, 0),
      newest: chain(2, 3),
    },
  });
  const _sessions = Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [`state ${index}`, hostile()]),
  );
  const kept = pruneSession({ _sessions, version: "v1" }) as {
    _sessions: { [id: string]: ReturnType<typeof hostile> };
  };
  expect(JSON.stringify(kept).length).toBeLessThan(1_000_000);
  const chains = Object.values(kept._sessions).map(({ _chains }) => _chains);
  expect(chains).toHaveLength(4);
  for (const one of chains) {
    expect(Object.keys(one)).toEqual(["chain 16", "chain 17", "chain 18", "chain 19", "sending", "newest"]);
    expect(Object.keys(one.newest.messageKeys)).toHaveLength(3);
    const newestKeys = Object.keys(one["chain 19" as "newest"].messageKeys);
    expect([newestKeys.length, newestKeys.at(-1)]).toEqual([1_997, "1999"]);
  }
});

test("a value that is not a session record is returned unchanged", () => {
  const bytes = Buffer.from("old");
  expect(pruneSession(bytes)).toBe(bytes);
});
