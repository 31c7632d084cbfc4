import { type Random, seeded } from "./random.ts";

/** What is done to whom. `at` and `lasts` in milliseconds; `at` from the beginning of the load. */
export interface PlannedFault {
  at: number;
  kind: FaultKind;
  /** Which connector, functions process or channel; taken modulo how many there are. */
  target: number;
  lastsMs: number;
  /** For what has a strength: a delay, a number of channels, a code. At least 0, less than 1. */
  strength: number;
}

/** One kind of damage: to what, how long, and for how long after its beginning nothing else happens. */
interface Plan {
  to: "connector" | "functions" | "database" | "whatsapp" | "channels";
  lasts: readonly [fromMs: number, toMs: number];
  /** What is measured needs quiet around it. */
  quietMs?: number;
}

/** A connector that is gone is found by its lease after 15 s, and its channels are to be elsewhere within 20 s. */
const takeoverMs = 30_000;

export const plans = {
  "connector killed, back under a new name after the takeover": {
    to: "connector",
    lasts: [takeoverMs, takeoverMs],
    quietMs: takeoverMs,
  },
  "connector killed, back at once under its name": { to: "connector", lasts: [1, 1], quietMs: 12_000 },
  "connector asked to end, back later": { to: "connector", lasts: [12_000, 12_000], quietMs: 12_000 },
  "connector asked to end, back at once under a new name": { to: "connector", lasts: [1, 1] },
  "connector stopped and continued": { to: "connector", lasts: [5_000, 25_000] },
  "connector cut from the database": { to: "connector", lasts: [5_000, 25_000] },
  "connector's database says nothing": { to: "connector", lasts: [5_000, 25_000] },
  "connector's database is slow": { to: "connector", lasts: [8_000, 15_000] },
  "connector cut from WhatsApp": { to: "connector", lasts: [5_000, 20_000] },
  "connector's WhatsApp says nothing": { to: "connector", lasts: [5_000, 20_000] },
  "functions killed": { to: "functions", lasts: [1_000, 5_000] },
  "functions stopped and continued": { to: "functions", lasts: [5_000, 15_000] },
  "functions asked to end": { to: "functions", lasts: [1_000, 3_000] },
  "functions cut from the database": { to: "functions", lasts: [3_000, 12_000] },
  "primary killed": { to: "database", lasts: [4_000, 12_000] },
  "primary steps down": { to: "database", lasts: [1, 1] },
  "connections dropped": { to: "channels", lasts: [1, 1] },
  "stream error 515": { to: "channels", lasts: [1, 1] },
  "stream error 503": { to: "channels", lasts: [1, 1] },
  "replaced (440)": { to: "channels", lasts: [1, 1] },
  "logins refused with 503": { to: "channels", lasts: [1, 1] },
  "upgrades refused": { to: "whatsapp", lasts: [3_000, 10_000] },
  "acknowledgements lost": { to: "channels", lasts: [5_000, 12_000] },
  "acknowledgements and receipts lost": { to: "channels", lasts: [5_000, 12_000] },
  "messages refused": { to: "channels", lasts: [4_000, 8_000] },
} as const satisfies Record<string, Plan>;

export type FaultKind = keyof typeof plans;

/** For how long after its beginning nothing else happens; 0 for most. */
export function quietMsOf(kind: FaultKind): number {
  const { quietMs = 0 }: Plan = plans[kind];
  return quietMs;
}

export const faultKinds = Object.keys(plans) as FaultKind[];

const firstMs = 4_000;
const gapMs = [3_500, 8_000] as const;
const settleMs = 3_000;
/** Before something is measured: what came back has joined, and the channels that move to it have moved. */
const calmMs = 20_000;

/** The damage of a run: the same for the same seed and duration. Every kind comes once before any comes twice. */
export function planFaults(seed: number, durationMs: number): PlannedFault[] {
  const random = seeded(seed);
  const planned: PlannedFault[] = [];
  let cursor = firstMs;
  let over = 0;
  for (let bag: FaultKind[] = []; ; ) {
    if (bag.length === 0) bag = random.shuffled(faultKinds);
    const kind = bag.pop();
    if (kind === undefined) return planned;
    const fault = drawFault(kind, random);
    const quietMs = quietMsOf(kind);
    fault.at = Math.round(quietMs > 0 ? Math.max(cursor, over + calmMs) : cursor);
    if (fault.at + Math.max(fault.lastsMs, quietMs) > durationMs) {
      // What is shorter may still fit.
      if (fault.at + settleMs > durationMs) return planned;
      cursor += settleMs;
      continue;
    }
    planned.push(fault);
    over = Math.max(over, fault.at + fault.lastsMs);
    cursor = quietMs > 0 ? fault.at + quietMs : fault.at + random.between(...gapMs);
  }
}

function drawFault(kind: FaultKind, random: Random): PlannedFault {
  const [from, to] = plans[kind].lasts;
  const lastsMs = Math.round(random.between(from, to));
  return { at: 0, kind, target: random.index(1_000), lastsMs, strength: random.next() };
}
