import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "#shared/sleep.ts";
import { testReplicaSet } from "../support/replica-set.ts";
import { startSystem } from "../support/system.ts";
import { pairChannels } from "./channels.ts";
import { startDamage } from "./damage.ts";
import { startEventReader } from "./event-reader.ts";
import { gatherFacts } from "./facts.ts";
import { startListeners } from "./listeners.ts";
import { type Rates, startLoad } from "./load.ts";
import { failOver } from "./promises/fail-over.ts";
import { finalStates } from "./promises/final-states.ts";
import { inboundOnce } from "./promises/inbound.ts";
import { once } from "./promises/once.ts";
import { oneSocket } from "./promises/one-socket.ts";
import { order } from "./promises/order.ts";
import { ratchets } from "./promises/ratchets.ts";
import { replayed } from "./promises/replay.ts";
import type { Row } from "./promises/row.ts";
import { seeded } from "./random.ts";
import { table, traces } from "./report.ts";
import { planFaults } from "./schedule.ts";
import { mendAll, settle } from "./settling.ts";
import { clock, timeline } from "./timeline.ts";

export interface ChaosOptions {
  seed: number;
  /** How long the damage goes on. */
  durationMs: number;
  channels: number;
  connectors: number;
  functions: number;
  rates: Rates;
  electionTimeoutMs: number;
  /** How long everything may take to become final once all is mended. */
  settleMs: number;
  /** Ends it early, without a verdict. */
  signal: AbortSignal;
  say(line: string): void;
  /** Replaced by the next one where the output allows it. */
  tick(line: string): void;
}

const statusEveryMs = 10_000;
const judges = [finalStates, once, order, inboundOnce, replayed, oneSocket, ratchets, failOver];

/** Runs everything, does the damage, mends it, and counts the promises. Logs are kept when one is broken. */
export async function runChaos(options: ChaosOptions): Promise<Row[]> {
  const { seed, durationMs, say, tick, signal } = options;
  const started = performance.now();
  await using mongo = await testReplicaSet({ electionTimeoutMs: options.electionTimeoutMs });
  say("MongoDB: three members, one primary");
  const { functions, connectors } = options;
  await using system = await startSystem({ processes: "supervised", database: mongo, functions, connectors });
  say(`${functions} functions and ${connectors} connectors listen, logs in ${system.folder}`);
  const channels = await pairChannels(system, options.channels, (paired) =>
    tick(`${paired} of ${options.channels} channels are linked`),
  );
  say(`${channels.length} channels are active, after ${clock(performance.now() - started)}`);
  const planned = planFaults(seed, durationMs);
  say(`seed ${seed}: ${planned.length} faults in ${clock(durationMs)}`);
  const began = Date.now();
  const load = startLoad(system, channels, options.rates, seeded(seed + 1));
  const listening = new AbortController();
  using _listening = { [Symbol.dispose]: () => listening.abort() };
  const listeners = [
    ...startListeners(system, channels, listening.signal),
    startEventReader(system, channels, listening.signal),
  ];
  const damage = startDamage(system, channels, planned, signal);
  const status = setInterval(() => {
    const accepted = load.sends.filter(({ acceptedAt }) => acceptedAt !== null).length;
    const now = damage.done.filter(({ to }) => to === null).map(({ kind }) => kind);
    say(
      `${clock(Date.now() - began)}  ${accepted} of ${load.sends.length} sends accepted, ${load.inbound.length} inbound; now: ${now.join(", ") || "nothing"}`,
    );
  }, statusEveryMs);
  try {
    await Promise.all([sleep(durationMs, signal), damage.finished]);
  } finally {
    clearInterval(status);
  }
  const lines = timeline(began, damage.done, load);
  await mendAll(system);
  const mended = performance.now();
  await load.stop();
  const open = await settle({ system, channels, load, listeners, withinMs: options.settleMs, tick });
  say(
    `everything mended; ${open === "" ? "settled" : `NOT settled (${open})`} after ${clock(performance.now() - mended)}`,
  );
  for (const { name, endings } of [...system.functions, ...system.connectors])
    if (endings > 0) say(`${name} ended by itself ${endings} times, and was started again`);
  const asked = { sends: load.sends, inbound: load.inbound, faults: damage.done, listeners };
  const facts = await gatherFacts(system, channels, asked);
  const rows = judges.map((judge) => judge(facts));
  const report = ["", ...lines, "", ...table(rows), ...traces(rows, facts, began)];
  for (const line of report) say(line);
  const broken = rows.flatMap((row) => row.broken.map(({ what, at, about }) => ({ what, at, about })));
  if (broken.length === 0) system.forgetLogs();
  else {
    await writeFile(join(system.folder, "report.txt"), report.join("\n"));
    await writeFile(join(system.folder, "broken.json"), broken.map((one) => JSON.stringify(one)).join("\n"));
    say(`\nseed ${seed}; logs: ${system.folder}`);
  }
  return rows;
}
