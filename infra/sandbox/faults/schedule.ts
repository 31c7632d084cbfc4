/** The faults that a schedule may apply, by their names in the API. */
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

/** Average number of faults per minute, over all targets together. */
export type FaultRates = Partial<Record<ScheduledFault, number>>;

export interface ScheduleOptions {
  /** The same seed with the same options gives the same schedule. */
  seed: number;
  seconds: number;
  /** Phone numbers to pick from. */
  targets: readonly string[];
  /** Default `defaultRates`. */
  rates?: FaultRates;
}

/** One fault to apply `atMs` after the start; `arguments` are those of `POST /api/faults/<fault>`. */
export interface PlannedFault {
  atMs: number;
  fault: ScheduledFault;
  arguments: Record<string, unknown>;
  /** This one ends an earlier fault. */
  isMend: boolean;
}

/** Rough, but without faults that a person has to repair (a client that is replaced twice may give up). */
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

type Random = {
  number(): number;
  of<T>(choices: readonly T[]): T;
  between(min: number, max: number): number;
};
type Draft = Pick<PlannedFault, "arguments"> & {
  /** How to end it, and after how long. */
  mend?: { arguments: Record<string, unknown>; afterMs: number };
};

const streamErrors = [515, 503, 500] as const;
const loginErrors = [503, 500] as const;
const statuses = [429, 503] as const;
const namespaces = ["usync", "encrypt", "w:m"] as const;

/** Draws the arguments of each fault at random. */
const drafts: Record<ScheduledFault, (random: Random, target: string) => Draft> = {
  drop: (_random, target) => ({ arguments: { target } }),
  "stream-error": (random, target) => ({ arguments: { target, code: random.of(streamErrors) } }),
  replace: (_random, target) => ({ arguments: { target } }),
  silence: (random, target) => ({
    arguments: { target, on: true },
    mend: { arguments: { target, on: false }, afterMs: random.between(500, 15_000) },
  }),
  "refuse-upgrade": (random) => ({
    arguments: { status: random.of(statuses) },
    mend: { arguments: { status: null }, afterMs: random.between(200, 3_000) },
  }),
  "fail-login": (random, target) => ({ arguments: { target, code: random.of(loginErrors), times: 1 } }),
  "ack-error": (_random, target) => ({ arguments: { target, code: 479, times: 1 } }),
  "ack-delay": (random, target) => ({
    arguments: { target, delayMs: random.between(50, 2_000) },
    mend: { arguments: { target, delayMs: 0 }, afterMs: random.between(1_000, 10_000) },
  }),
  "withhold-acks": (random, target) => ({
    arguments: { target, on: true },
    mend: { arguments: { target, on: false }, afterMs: random.between(200, 3_000) },
  }),
  receipts: (random, target) => ({
    arguments: { target, timing: random.of([50, 500, 2_000]) },
    mend: { arguments: { target, timing: null }, afterMs: random.between(1_000, 10_000) },
  }),
  "ignore-query": (random) => ({ arguments: { xmlns: random.of(namespaces), times: 1 } }),
  "forget-sessions": (_random, target) => ({ arguments: { target } }),
  "media-upload": (random) => ({ arguments: { status: random.of([500, 503]), times: 1 } }),
  "media-download": (random) => ({ arguments: { status: random.of([500, 503]), times: 1 } }),
};

/** Every fault that a schedule may apply. */
export const scheduledFaults = Object.keys(drafts) as ScheduledFault[];

/**
 * Plans the faults in chronological order. The times of each fault are a Poisson process with its rate.
 * Every lasting fault ends within `seconds`. Without targets the plan is empty.
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
      const random = randomStream(seed, index);
      return timesOf(random, rates[fault] ?? 0, endMs).flatMap((atMs) =>
        planned(random, fault, atMs, targets, endMs),
      );
    })
    .sort((one, other) => one.atMs - other.atMs);
}

function planned(
  random: Random,
  fault: ScheduledFault,
  atMs: number,
  targets: readonly string[],
  endMs: number,
): PlannedFault[] {
  const { arguments: input, mend } = drafts[fault](random, random.of(targets));
  const begin = { atMs, fault, arguments: input, isMend: false };
  if (!mend) return [begin];
  const mendAtMs = Math.min(atMs + mend.afterMs, endMs);
  return [begin, { atMs: mendAtMs, fault, arguments: mend.arguments, isMend: true }];
}

/** Times of a Poisson process with `perMinute` events on average, in whole milliseconds. */
function timesOf(random: Random, perMinute: number, endMs: number): number[] {
  if (perMinute <= 0) return [];
  const times: number[] = [];
  const meanMs = 60_000 / perMinute;
  for (let atMs = 0; ; ) {
    atMs += Math.max(1, Math.round(-Math.log(1 - random.number()) * meanMs));
    if (atMs >= endMs) return times;
    times.push(atMs);
  }
}

/** Each fault has a random stream of its own, so that changing the rate of one does not move the others. */
function randomStream(seed: number, stream: number): Random {
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
