/** What a schedule may do, by its name among the faults of the API. */
export type ScheduledFault =
  | "drop"
  | "stream-error"
  | "replace"
  | "silence"
  | "refuse-upgrade"
  | "fail-login"
  | "ack-error"
  | "ack-delay"
  | "withhold-acks"
  | "receipts"
  | "ignore-query"
  | "forget-sessions"
  | "media-upload"
  | "media-download";

/** How often per minute, over all targets together. */
export type FaultRates = Partial<Record<ScheduledFault, number>>;

export interface ScheduleOptions {
  /** The same seed with the same options gives the same schedule. */
  seed: number;
  seconds: number;
  /** Phone numbers to pick from. */
  targets: readonly string[];
  /** Instead of `defaultRates`. */
  rates?: FaultRates;
}

/** One thing to do, `atMs` after the start; `arguments` are those of `POST /api/faults/<fault>`. */
export interface PlannedFault {
  atMs: number;
  fault: ScheduledFault;
  arguments: Record<string, unknown>;
  /** This ends what an earlier one began. */
  isMend: boolean;
}

/** Rough, but nothing that needs a person to mend it (a client that is replaced twice may give up). */
export const defaultRates: FaultRates = {
  drop: 12,
  "stream-error": 6,
  silence: 1,
  "refuse-upgrade": 1,
  "fail-login": 1,
  "ack-delay": 2,
  "withhold-acks": 2,
  receipts: 1,
  "ignore-query": 1,
  "forget-sessions": 1,
};

type Dice = { number(): number; of<T>(choices: readonly T[]): T; between(min: number, max: number): number };
type Draft = Pick<PlannedFault, "arguments"> & {
  /** What ends it, and after how long. */
  mend?: { arguments: Record<string, unknown>; afterMs: number };
};

const streamErrors = [515, 503, 500] as const;
const loginErrors = [503, 500] as const;
const statuses = [429, 503] as const;
const namespaces = ["usync", "encrypt", "w:m"] as const;

/** What each fault looks like when it comes. */
const drafts: Record<ScheduledFault, (dice: Dice, target: string) => Draft> = {
  drop: (_dice, target) => ({ arguments: { target } }),
  "stream-error": (dice, target) => ({ arguments: { target, code: dice.of(streamErrors) } }),
  replace: (_dice, target) => ({ arguments: { target } }),
  silence: (dice, target) => ({
    arguments: { target, on: true },
    mend: { arguments: { target, on: false }, afterMs: dice.between(500, 15_000) },
  }),
  "refuse-upgrade": (dice) => ({
    arguments: { status: dice.of(statuses) },
    mend: { arguments: { status: null }, afterMs: dice.between(200, 3_000) },
  }),
  "fail-login": (dice, target) => ({ arguments: { target, code: dice.of(loginErrors), times: 1 } }),
  "ack-error": (_dice, target) => ({ arguments: { target, code: 479, times: 1 } }),
  "ack-delay": (dice, target) => ({
    arguments: { target, delayMs: dice.between(50, 2_000) },
    mend: { arguments: { target, delayMs: 0 }, afterMs: dice.between(1_000, 10_000) },
  }),
  "withhold-acks": (dice, target) => ({
    arguments: { target, on: true },
    mend: { arguments: { target, on: false }, afterMs: dice.between(200, 3_000) },
  }),
  receipts: (dice, target) => ({
    arguments: { target, timing: dice.of([50, 500, 2_000]) },
    mend: { arguments: { target, timing: null }, afterMs: dice.between(1_000, 10_000) },
  }),
  "ignore-query": (dice) => ({ arguments: { xmlns: dice.of(namespaces), times: 1 } }),
  "forget-sessions": (_dice, target) => ({ arguments: { target } }),
  "media-upload": (dice) => ({ arguments: { status: dice.of([500, 503]), times: 1 } }),
  "media-download": (dice) => ({ arguments: { status: dice.of([500, 503]), times: 1 } }),
};

/** Everything a schedule may do. */
export const scheduledFaults = Object.keys(drafts) as ScheduledFault[];

/**
 * What goes wrong when, in the order of time; the times of each fault are those of a Poisson process with its rate.
 * Everything that has begun is mended within the time. Without targets there is nothing to break.
 */
export function planFaults({
  seed,
  seconds,
  targets,
  rates = defaultRates,
}: ScheduleOptions): PlannedFault[] {
  const endMs = seconds * 1000;
  if (targets.length === 0) return [];
  return scheduledFaults
    .flatMap((fault, index) => {
      const dice = diceOf(seed, index);
      return timesOf(dice, rates[fault] ?? 0, endMs).flatMap((atMs) =>
        planned(dice, fault, atMs, targets, endMs),
      );
    })
    .sort((one, other) => one.atMs - other.atMs);
}

function planned(
  dice: Dice,
  fault: ScheduledFault,
  atMs: number,
  targets: readonly string[],
  endMs: number,
): PlannedFault[] {
  const { arguments: input, mend } = drafts[fault](dice, dice.of(targets));
  const begin = { atMs, fault, arguments: input, isMend: false };
  if (!mend) return [begin];
  const mendAtMs = Math.min(atMs + mend.afterMs, endMs);
  return [begin, { atMs: mendAtMs, fault, arguments: mend.arguments, isMend: true }];
}

/** Arrivals with `perMinute` on average, in whole milliseconds. */
function timesOf(dice: Dice, perMinute: number, endMs: number): number[] {
  if (perMinute <= 0) return [];
  const times: number[] = [];
  const meanMs = 60_000 / perMinute;
  for (let atMs = 0; ; ) {
    atMs += Math.max(1, Math.round(-Math.log(1 - dice.number()) * meanMs));
    if (atMs >= endMs) return times;
    times.push(atMs);
  }
}

/** Each fault throws dice of its own, so that another rate of one leaves the others where they were. */
function diceOf(seed: number, stream: number): Dice {
  const number = mulberry32((seed ^ Math.imul(stream + 1, 0x9e37_79b1)) >>> 0);
  const between = (min: number, max: number): number => min + Math.floor(number() * (max - min + 1));
  const of = <T>(choices: readonly T[]): T => choices[between(0, choices.length - 1)] as T;
  return { number, between, of };
}

/** A small generator of numbers in [0, 1) with 32 bits of state: Tommy Ettinger's mulberry32, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
