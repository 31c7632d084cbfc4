import type { Facts } from "../facts.ts";
import type { Heard, Listener } from "../listeners.ts";
import type { Broken, Judge } from "./row.ts";

/** Socket.io clients that come back with `after`, and the reader of `GET /events`, have every event once, in order. */
export const replayed: Judge = (facts) => {
  const broken = facts.listeners.flatMap((listener) =>
    [...listener.heard.values()].flatMap((heard) => gapsOf(facts, listener, heard)),
  );
  const connections = facts.listeners.reduce((sum, listener) => sum + listener.connections, 0);
  const events = facts.listeners
    .flatMap(({ heard }) => [...heard.values()])
    .reduce((sum, { seqs }) => sum + seqs.length, 0);
  const of = (kind: Gap["kind"]) => broken.filter((gap) => gap.kind === kind).length;
  return {
    promise: "clients that come back with `after`, or a cursor, have every event once",
    counted: `${events} events to ${facts.listeners.length} clients over ${connections} connections and calls: ${of("missing")} missing, ${of("doubled")} doubled, ${of("inversion")} inversions`,
    broken,
  };
};

type Gap = Broken & { kind: "missing" | "doubled" | "inversion" };

function gapsOf({ events }: Facts, { name }: Listener, { channelId, from, seqs, resyncs }: Heard): Gap[] {
  const log = (events.get(channelId) ?? []).filter(({ seq }) => seq > (from ?? 0));
  const times = new Map<number, number>();
  for (const seq of seqs) times.set(seq, (times.get(seq) ?? 0) + 1);
  const gap = (kind: Gap["kind"], seq: number): Gap => ({
    kind,
    what: `${name}: event ${seq} of ${channelId} is ${kind}`,
    at: log.find((event) => event.seq === seq)?.timestamp.getTime() ?? 0,
    about: { from, resyncs, around: seqs.slice(Math.max(0, seqs.indexOf(seq) - 5), seqs.indexOf(seq) + 5) },
  });
  return [
    ...log.filter(({ seq }) => !times.has(seq)).map(({ seq }) => gap("missing", seq)),
    ...[...times].filter(([, count]) => count > 1).map(([seq]) => gap("doubled", seq)),
    ...seqs.flatMap((seq, at) => (seq < (seqs[at - 1] ?? 0) ? [gap("inversion", seq)] : [])),
  ];
}
