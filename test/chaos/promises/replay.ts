import type { Facts } from "../facts.ts";
import type { EventClient, ReceivedEvents } from "../socket-clients.ts";
import type { Check, Violation } from "./check.ts";

/** Socket.io clients that resume with `after`, and the poller of `GET /events`, receive every event once, in order. */
export const replayed: Check = (facts) => {
  const violations = facts.clients.flatMap((client) =>
    [...client.received.values()].flatMap((received) => gapsOf(facts, client, received)),
  );
  const connections = facts.clients.reduce((sum, client) => sum + client.connections, 0);
  const events = facts.clients
    .flatMap(({ received }) => [...received.values()])
    .reduce((sum, { seqs }) => sum + seqs.length, 0);
  const of = (kind: Gap["kind"]) => violations.filter((gap) => gap.kind === kind).length;
  return {
    promise: "clients that resume with `after` or a cursor receive every event once",
    counted: `${events} events to ${facts.clients.length} clients over ${connections} connections and polls: ${of("missing")} missing, ${of("duplicated")} duplicated, ${of("out of order")} out of order`,
    violations,
  };
};

type Gap = Violation & { kind: "missing" | "duplicated" | "out of order" };

function gapsOf(
  { events }: Facts,
  { name }: EventClient,
  { channelId, from, seqs, resyncs }: ReceivedEvents,
): Gap[] {
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
    ...[...times].filter(([, count]) => count > 1).map(([seq]) => gap("duplicated", seq)),
    ...seqs.flatMap((seq, at) => (seq < (seqs[at - 1] ?? 0) ? [gap("out of order", seq)] : [])),
  ];
}
