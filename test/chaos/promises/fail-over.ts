import type { DoneFault } from "../damage.ts";
import type { Facts, SocketWithProcess } from "../facts.ts";
import type { FaultKind } from "../schedule.ts";
import type { Broken, Judge, Row } from "./row.ts";

interface Measure {
  kind: FaultKind;
  name: string;
  limitMs: number;
  /** Whether its channels are to be found with another process, unless it has come back itself. */
  isElsewhere: boolean;
}

const measures: readonly Measure[] = [
  {
    kind: "connector killed, back under a new name after the takeover",
    name: "crash",
    limitMs: 20_000,
    isElsewhere: true,
  },
  {
    kind: "connector killed, back at once under its name",
    name: "restart under the same name",
    limitMs: 3_000,
    isElsewhere: false,
  },
  { kind: "connector asked to end, back later", name: "SIGTERM", limitMs: 5_000, isElsewhere: true },
];

/** How long until a channel that was connected is logged in again after its connector went. */
export const failOver: Judge = (facts) => {
  const rows = measures.map((measure) => rowOf(facts, measure));
  return {
    promise: "fail-over",
    counted: rows.map(({ counted }) => counted).join("; "),
    broken: rows.flatMap(({ broken }) => broken),
  };
};

function rowOf(facts: Facts, measure: Measure): Omit<Row, "promise"> {
  const done = facts.faults.filter(({ kind, failed }) => kind === measure.kind && failed === null);
  const times = done.flatMap((fault) => loginsAfter(facts, fault, measure));
  const sorted = times.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const seconds = (ms: number | undefined) => (ms === undefined ? "never" : `${(ms / 1_000).toFixed(1)} s`);
  const counted =
    sorted.length === 0
      ? `${measure.name}: none measured`
      : `${measure.name}: median ${seconds(sorted[Math.floor(sorted.length / 2)])}, worst ${seconds(sorted.at(-1))} (${sorted.length} channels, ${done.length} times, limit ${measure.limitMs / 1_000} s)`;
  const broken = times.filter(({ ms }) => ms > measure.limitMs).map((time) => brokenBy(time, measure));
  return { counted, broken };
}

interface Time {
  ms: number;
  fault: DoneFault;
  former: SocketWithProcess;
  next: SocketWithProcess | undefined;
}

function loginsAfter({ sockets }: Facts, fault: DoneFault, { isElsewhere }: Measure): Time[] {
  const { from, to, struck } = fault;
  const hit = sockets.filter(
    ({ process, loggedInAt, endedAt }) =>
      process === struck && loggedInAt !== null && loggedInAt < from && (endedAt === null || endedAt >= from),
  );
  return hit.map((former) => {
    const next = sockets.find(
      ({ phoneNumber, loggedInAt, process }) =>
        phoneNumber === former.phoneNumber &&
        (loggedInAt ?? 0) > from &&
        (!isElsewhere || process !== struck || (loggedInAt ?? 0) >= (to ?? Number.POSITIVE_INFINITY)),
    );
    return { ms: (next?.loggedInAt ?? Number.POSITIVE_INFINITY) - from, fault, former, next };
  });
}

function brokenBy({ ms, fault, former, next }: Time, { name, limitMs }: Measure): Broken {
  return {
    what: `${name}: ${former.phoneNumber} was away for ${(ms / 1_000).toFixed(1)} s, more than ${limitMs / 1_000} s`,
    at: fault.from,
    about: { former, next },
  };
}
