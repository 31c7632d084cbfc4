import { deadlineOf } from "#connector/ownership/connector-lease.ts";

/**
 * A model of connectors, one channel and a database, for random schedules: every message between a process and the
 * database can be late or lost, and a process can stall at any point. The rules of the row are those of
 * `connector-lease-store.ts` and `ownership.ts`; `lease-rules.test.ts` compares them with the real ones. The deadline is the real
 * one.
 */
const timings = { leaseMs: 15_000, leaseMarginMs: 3_000 };

export type Step =
  /** A process starts under this name and writes its row. */
  | { type: "start"; name: number }
  /** The process sends a renewal. */
  | { type: "send"; process: number }
  /** The database receives the oldest renewal in transit and answers, or the renewal is lost. */
  | { type: "arrive"; process: number; isLost: boolean }
  /** The process receives the oldest answer, or the answer is lost. */
  | { type: "hear"; process: number; isLost: boolean }
  | { type: "declareDead" }
  /** The process takes the channel; it raises the fence in a step of its own, perhaps much later. */
  | { type: "acquire"; process: number }
  | { type: "raise"; process: number }
  /** The process checks its deadline and, unless that has passed, sends a write, which lands later. */
  | { type: "write"; process: number }
  | { type: "land"; process: number }
  /** Time passes for all processes. */
  | { type: "wait"; ms: number };

interface Row {
  name: number;
  isDead: boolean;
  aliveUntil: number;
}

interface Renewal {
  sentAt: number;
}

interface Process {
  row: Row;
  /** Another process of the same name was started, perhaps unknown to this one. */
  isSucceeded: boolean;
  /** Monotonic clocks of different machines are unrelated. */
  clockOffset: number;
  deadline: number;
  sent: Renewal[];
  answers: Array<Renewal & { isAlive: boolean }>;
  hasEnded: boolean;
  /** The epoch under which it acquired the channel; 0 before. */
  epoch: number;
  /** It has raised the fence to that epoch and was not refused. */
  hasRaised: boolean;
  /** The epochs of its writes in transit. */
  writes: number[];
}

export interface World {
  now: number;
  processes: Process[];
  owner: { process: number | null; epoch: number };
  fence: number;
  /** Epochs of accepted writes, with the fence at that time. */
  accepted: Array<{ epoch: number; fence: number }>;
  epochsGiven: number[];
}

/** Mutations, each of which breaks one rule, to show that the invariants need it. */
export interface Rules {
  renewsTheDead: boolean;
  takesFromTheLiving: boolean;
  reusesEpochs: boolean;
  ignoresTheFence: boolean;
  countsFromTheAnswer: boolean;
  outstaysTheLease: boolean;
}

export const honest: Rules = {
  renewsTheDead: false,
  takesFromTheLiving: false,
  reusesEpochs: false,
  ignoresTheFence: false,
  countsFromTheAnswer: false,
  outstaysTheLease: false,
};

export function newWorld(): World {
  return {
    now: 0,
    processes: [],
    owner: { process: null, epoch: 0 },
    fence: 0,
    accepted: [],
    epochsGiven: [],
  };
}

/** Whether the process may act by its own clock. */
export function isValid(world: World, process: Process): boolean {
  return !process.hasEnded && world.now + process.clockOffset < process.deadline;
}

/** Whether the process would write. */
export function isOwner(world: World, process: Process): boolean {
  return isValid(world, process) && process.hasRaised;
}

export function take(world: World, step: Step, rules: Rules = honest): void {
  if (step.type === "wait") world.now += step.ms;
  else if (step.type === "start") start(world, step.name);
  else if (step.type === "declareDead") {
    for (const { row } of world.processes) row.isDead ||= row.aliveUntil < world.now;
  } else {
    const process = world.processes[step.process % Math.max(1, world.processes.length)];
    if (process) act(world, process, step, rules);
  }
}

function start(world: World, name: number): void {
  const clockOffset = (world.processes.length + 1) * 1_000_003;
  const row = { name, isDead: false, aliveUntil: world.now + timings.leaseMs };
  for (const former of world.processes.filter((one) => one.row.name === name)) {
    former.row.isDead = true;
    former.isSucceeded = true;
  }
  world.processes.push({
    row,
    isSucceeded: false,
    clockOffset,
    deadline: deadlineOf(world.now + clockOffset, timings),
    sent: [],
    answers: [],
    hasEnded: false,
    epoch: 0,
    hasRaised: false,
    writes: [],
  });
}

type Act = Extract<Step, { process: number }>;

function act(world: World, process: Process, step: Act, rules: Rules): void {
  const { now } = world;
  switch (step.type) {
    case "send":
      if (!process.hasEnded) process.sent.push({ sentAt: now + process.clockOffset });
      return;
    case "arrive": {
      const renewal = process.sent.shift();
      if (!renewal || step.isLost) return;
      const isAlive = !process.row.isDead || rules.renewsTheDead;
      if (isAlive) Object.assign(process.row, { isDead: false, aliveUntil: now + timings.leaseMs });
      process.answers.push({ ...renewal, isAlive });
      return;
    }
    case "hear": {
      const answer = process.answers.shift();
      if (!answer || step.isLost || process.hasEnded) return;
      const clock = now + process.clockOffset;
      // As in `connector-lease.ts`: a dead row or a late answer ends the lease for good.
      if (!answer.isAlive || clock >= process.deadline) process.hasEnded = true;
      else {
        const from = rules.countsFromTheAnswer ? clock : answer.sentAt;
        const leaseMarginMs = rules.outstaysTheLease ? -timings.leaseMarginMs : timings.leaseMarginMs;
        process.deadline = Math.max(process.deadline, deadlineOf(from, { ...timings, leaseMarginMs }));
      }
      return;
    }
    case "acquire": {
      if (!isValid(world, process)) return;
      const { owner } = world;
      const holder = owner.process === null ? null : world.processes[owner.process];
      const isFree = !holder || holder === process || holder.row.isDead || rules.takesFromTheLiving;
      if (!isFree) return;
      const epoch = rules.reusesEpochs ? Math.max(1, owner.epoch) : owner.epoch + 1;
      world.owner = { process: world.processes.indexOf(process), epoch };
      process.epoch = epoch;
      process.hasRaised = false;
      world.epochsGiven.push(epoch);
      return;
    }
    case "raise":
      if (process.epoch === 0 || process.epoch < world.fence) return;
      world.fence = process.epoch;
      process.hasRaised = true;
      return;
    case "write":
      if (isOwner(world, process)) process.writes.push(process.epoch);
      return;
    case "land": {
      const epoch = process.writes.shift();
      if (epoch === undefined || (epoch < world.fence && !rules.ignoresTheFence)) return;
      world.accepted.push({ epoch, fence: world.fence });
      return;
    }
  }
}
