import type { Facts, SocketWithProcess } from "../facts.ts";
import type { InjectedFault } from "../inject-faults.ts";
import { plural } from "../plural.ts";
import type { FaultKind } from "../schedule.ts";
import type { Check, CheckResult, Violation } from "./check.ts";

interface Measure {
  kind: FaultKind;
  name: string;
  /** How late the channel that comes back at this place, counted from 0, may log in. */
  limitMs(place: number, fault: InjectedFault): number;
  /** Whether another process must take its channels over, unless it is running again itself. */
  isElsewhere: boolean;
}

const measures: readonly Measure[] = [
  {
    kind: "connector killed, restarted under a new name after the takeover",
    name: "crash",
    limitMs: () => 20_000,
    isElsewhere: true,
  },
  {
    kind: "connector killed, restarted at once under its name",
    name: "restart under the same name",
    limitMs: restartLimitMs,
    isElsewhere: false,
  },
  { kind: "connector terminated, restarted later", name: "SIGTERM", limitMs: () => 5_000, isElsewhere: true },
];

/** Measures how long a connected channel takes to log in again after its connector ended. */
export const failOver: Check = (facts) => {
  const results = measures.map((measure) => resultOf(facts, measure));
  return {
    promise: "fail-over",
    counted: results.map(({ counted }) => counted).join("; "),
    violations: results.flatMap(({ violations }) => violations),
  };
};

function resultOf(facts: Facts, measure: Measure): Omit<CheckResult, "promise"> {
  const faults = facts.faults.filter(({ kind, failed }) => kind === measure.kind && failed === null);
  const times = faults.flatMap((fault) =>
    loginsAfter(facts, fault, measure)
      .toSorted((one, other) => one.ms - other.ms)
      .map((time, place) => ({ ...time, limitMs: measure.limitMs(place, fault) })),
  );
  const sorted = times.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const limits = times.map(({ limitMs }) => limitMs);
  const limit = [...new Set([Math.min(...limits), Math.max(...limits)])].map(seconds).join(" to ");
  const counted =
    sorted.length === 0
      ? `${measure.name}: none measured`
      : `${measure.name}: median ${seconds(sorted[Math.floor(sorted.length / 2)])}, worst ${seconds(sorted.at(-1))} (${plural(sorted.length, "channel")}, ${plural(faults.length, "fault")}, limit ${limit})`;
  const violations = times
    .filter(({ ms, limitMs }) => !(ms <= limitMs))
    .map((time) => violationOf(time, measure));
  return { counted, violations };
}

/**
 * A restart under the same name is a process that starts: how long that takes says the machine, not we. A bare process that
 * imports the same modules of others is its measure; what we add are our own modules, the lease, takeovers and logins.
 * Without a measure nothing is in time.
 */
function restartLimitMs(place: number, { importMs = Number.NaN }: InjectedFault): number {
  return 500 + (3 + 0.1 * place) * importMs;
}

interface Time {
  ms: number;
  fault: InjectedFault;
  former: SocketWithProcess;
  next: SocketWithProcess | undefined;
}

function loginsAfter({ sockets }: Facts, fault: InjectedFault, { isElsewhere }: Measure): Time[] {
  const { from, to, target } = fault;
  const hit = sockets.filter(
    ({ process, loggedInAt, endedAt }) =>
      process === target && loggedInAt !== null && loggedInAt < from && (endedAt === null || endedAt >= from),
  );
  return hit.map((former) => {
    const next = sockets.find(
      ({ phoneNumber, loggedInAt, process }) =>
        phoneNumber === former.phoneNumber &&
        (loggedInAt ?? 0) > from &&
        (!isElsewhere || process !== target || (loggedInAt ?? 0) >= (to ?? Number.POSITIVE_INFINITY)),
    );
    return { ms: (next?.loggedInAt ?? Number.POSITIVE_INFINITY) - from, fault, former, next };
  });
}

function violationOf(
  { ms, limitMs, fault, former, next }: Time & { limitMs: number },
  { name }: Measure,
): Violation {
  const login =
    ms === Number.POSITIVE_INFINITY ? "never logged in again" : `logged in again after ${seconds(ms)}`;
  return {
    what: `${name}: ${former.phoneNumber} ${login}, limit ${seconds(limitMs)}`,
    at: fault.from,
    about: { former, next },
  };
}

const seconds = (ms: number | undefined): string =>
  ms === undefined || ms === Number.POSITIVE_INFINITY ? "never" : `${(ms / 1_000).toFixed(1)} s`;
