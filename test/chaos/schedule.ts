import { type Random, seeded } from "./random.ts";

/** One fault of the schedule. `at` counts milliseconds from the start of the load. */
export interface PlannedFault {
  at: number;
  kind: FaultKind;
  /** Index of the connector, functions process or channel, modulo their number. */
  target: number;
  lastsMs: number;
  /** Scales a delay or a number of channels. At least 0, less than 1. */
  strength: number;
}

/** One kind of fault: what it hits, how long it lasts, and how long after its start no other fault begins. */
interface Plan {
  to: "connector" | "functions" | "database" | "whatsapp" | "channels";
  lasts: readonly [fromMs: number, toMs: number];
  /** Keeps other faults away from a measured one. */
  quietMs?: number;
}

/** A dead connector's lease expires after 15 s, and its channels must be connected elsewhere within 20 s. */
const takeoverMs = 30_000;

export const plans = {
  "connector killed, restarted under a new name after the takeover": {
    to: "connector",
    lasts: [takeoverMs, takeoverMs],
    quietMs: takeoverMs,
  },
  // Its measure, a bare process that imports the same modules, runs twice before and twice after.
  "connector killed, restarted at once under its name": { to: "connector", lasts: [1, 1], quietMs: 20_000 },
  "connector terminated, restarted later": { to: "connector", lasts: [12_000, 12_000], quietMs: 12_000 },
  "connector terminated, restarted at once under a new name": { to: "connector", lasts: [1, 1] },
  "connector paused and resumed": { to: "connector", lasts: [5_000, 25_000] },
  "connector cut off from the database": { to: "connector", lasts: [5_000, 25_000] },
  "connector gets no answer from the database": { to: "connector", lasts: [5_000, 25_000] },
  "connector gets slow answers from the database": { to: "connector", lasts: [8_000, 15_000] },
  "connector cut off from WhatsApp": { to: "connector", lasts: [5_000, 20_000] },
  "connector gets no answer from WhatsApp": { to: "connector", lasts: [5_000, 20_000] },
  "connector restarted with another encryption key": { to: "connector", lasts: [15_000, 25_000] },
  "connector restarted with its clock 90 s behind": { to: "connector", lasts: [15_000, 25_000] },
  "connector restarted with its clock 90 s ahead": { to: "connector", lasts: [15_000, 25_000] },
  "functions killed": { to: "functions", lasts: [1_000, 5_000] },
  "functions paused and resumed": { to: "functions", lasts: [5_000, 15_000] },
  "functions terminated": { to: "functions", lasts: [1_000, 3_000] },
  "functions cut off from the database": { to: "functions", lasts: [3_000, 12_000] },
  "primary killed": { to: "database", lasts: [4_000, 12_000] },
  "primary stepped down": { to: "database", lasts: [1, 1] },
  "connections dropped": { to: "channels", lasts: [1, 1] },
  "stream error 515": { to: "channels", lasts: [1, 1] },
  "stream error 503": { to: "channels", lasts: [1, 1] },
  "connections replaced (440)": { to: "channels", lasts: [1, 1] },
  "logins refused with 503": { to: "channels", lasts: [1, 1] },
  "upgrades refused": { to: "whatsapp", lasts: [3_000, 10_000] },
  "queries for keys unanswered": { to: "whatsapp", lasts: [5_000, 15_000] },
  "queries for devices unanswered": { to: "whatsapp", lasts: [5_000, 15_000] },
  "acknowledgements lost": { to: "channels", lasts: [5_000, 12_000] },
  "acknowledgements and receipts lost": { to: "channels", lasts: [5_000, 12_000] },
  "messages refused": { to: "channels", lasts: [4_000, 8_000] },
} as const satisfies Record<string, Plan>;

export type FaultKind = keyof typeof plans;

/** How long after its start no other fault begins; 0 for most kinds. */
export function quietMsOf(kind: FaultKind): number {
  const { quietMs = 0 }: Plan = plans[kind];
  return quietMs;
}

export const faultKinds = Object.keys(plans) as FaultKind[];

const firstMs = 4_000;
const gapMs = [3_500, 8_000] as const;
const stepMs = 3_000;
/** Pause before a measured fault: restarted connectors have joined and rebalancing has moved their channels. */
const calmMs = 20_000;

/**
 * Plans the faults of a run, the same for the same arguments. Every kind occurs once before any repeats. `spared` are targets
 * that the system does not have.
 */
export function planFaults(
  seed: number,
  durationMs: number,
  spared: readonly Plan["to"][] = [],
): PlannedFault[] {
  const kinds = faultKinds.filter((kind) => !spared.includes(plans[kind].to));
  const random = seeded(seed);
  const planned: PlannedFault[] = [];
  let cursor = firstMs;
  let quietFrom = 0;
  for (let bag: FaultKind[] = []; ; ) {
    if (bag.length === 0) bag = random.shuffled(kinds);
    const kind = bag.pop();
    if (kind === undefined) return planned;
    const fault = drawFault(kind, random);
    const quietMs = quietMsOf(kind);
    fault.at = Math.round(quietMs > 0 ? Math.max(cursor, quietFrom + calmMs) : cursor);
    if (fault.at + Math.max(fault.lastsMs, quietMs) > durationMs) {
      // A shorter fault may still fit.
      if (fault.at + stepMs > durationMs) return planned;
      cursor += stepMs;
      continue;
    }
    planned.push(fault);
    quietFrom = Math.max(quietFrom, fault.at + fault.lastsMs);
    cursor = quietMs > 0 ? fault.at + quietMs : fault.at + random.between(...gapMs);
  }
}

function drawFault(kind: FaultKind, random: Random): PlannedFault {
  const [from, to] = plans[kind].lasts;
  const lastsMs = Math.round(random.between(from, to));
  return { at: 0, kind, target: random.index(1_000), lastsMs, strength: random.next() };
}
