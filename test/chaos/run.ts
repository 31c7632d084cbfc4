import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "#shared/sleep.ts";
import { testReplicaSet } from "../support/replica-set.ts";
import type { Runtime } from "../support/runtime.ts";
import { startSystem } from "../support/system.ts";
import { pairChannels } from "./channels.ts";
import { clearFaults, drain } from "./drain.ts";
import { startEventPoller } from "./event-poller.ts";
import { gatherFacts } from "./facts.ts";
import { importMs } from "./import-time.ts";
import { injectFaults } from "./inject-faults.ts";
import { type Rates, startLoad } from "./load.ts";
import { plural } from "./plural.ts";
import { checks } from "./promises/all.ts";
import type { CheckResult } from "./promises/check.ts";
import { seeded } from "./random.ts";
import { table, traces } from "./report.ts";
import { planFaults } from "./schedule.ts";
import { startSocketClients } from "./socket-clients.ts";
import { clock, timeline } from "./timeline.ts";
import { startUnlinkings } from "./unlinkings.ts";

export interface ChaosOptions {
  seed: number;
  /** How long faults are injected. */
  durationMs: number;
  channels: number;
  connectors: number;
  /** The runtime of the connectors. */
  connectorRuntime: Runtime;
  /** 0: each connector runs the functions, too, in one process. */
  functions: number;
  rates: Rates;
  /** Channels that are linked and unlinked again, in the whole system. */
  unlinkingsPerSecond: number;
  electionTimeoutMs: number;
  /** How long the system may take to drain once every fault is undone. */
  drainMs: number;
  /** Ends the run early. */
  signal: AbortSignal;
  say(line: string): void;
  /** Prints a line that the next one replaces where the output allows it. */
  tick(line: string): void;
}

const statusEveryMs = 10_000;

/** Runs the whole product, injects faults, undoes them, and checks the promises. Keeps the logs if one is broken. */
export async function runChaos(options: ChaosOptions): Promise<CheckResult[]> {
  const { seed, durationMs, say, tick, signal } = options;
  const started = performance.now();
  await using mongo = await testReplicaSet({ electionTimeoutMs: options.electionTimeoutMs });
  say("MongoDB: replica set of three members is up");
  const { functions, connectors, connectorRuntime } = options;
  const sizes = { functions, connectors, connectorRuntime };
  await using system = await startSystem({ processes: "supervised", database: mongo, ...sizes });
  const processes =
    functions === 0 ? `${connectors} processes of both` : `${functions} functions, ${connectors} connectors`;
  say(`listening: ${processes} on ${connectorRuntime.name}; logs in ${system.folder}`);
  const channels = await pairChannels(system, options.channels, (paired) =>
    tick(`${paired} of ${options.channels} channels linked`),
  );
  say(`${plural(channels.length, "channel")} active after ${clock(performance.now() - started)}`);
  const planned = planFaults(seed, durationMs, functions === 0 ? ["functions"] : []);
  say(`seed ${seed}: ${plural(planned.length, "fault")} planned in ${clock(durationMs)}`);
  const began = Date.now();
  const load = startLoad(system, channels, options.rates, seeded(seed + 1));
  const unlinkings = startUnlinkings(system, options.unlinkingsPerSecond, seeded(seed + 2));
  const listening = new AbortController();
  using _listening = { [Symbol.dispose]: () => listening.abort() };
  const clients = [
    ...startSocketClients(system, channels, listening.signal),
    startEventPoller(system, channels, listening.signal),
  ];
  const measureImports = () => importMs(connectorRuntime, functions === 0 ? "both" : "connector");
  const faults = injectFaults(system, channels, planned, measureImports, signal);
  const status = setInterval(() => {
    const accepted = load.sends.filter(({ acceptedAt }) => acceptedAt !== null).length;
    const active = faults.injected.filter(({ to }) => to === null).map(({ kind }) => kind);
    say(
      `${clock(Date.now() - began)}  ${accepted} of ${load.sends.length} sends accepted, ${load.inbound.length} inbound; active faults: ${active.join(", ") || "none"}`,
    );
  }, statusEveryMs);
  try {
    await Promise.all([sleep(durationMs, signal), faults.finished]);
  } finally {
    clearInterval(status);
  }
  const lines = timeline(began, faults.injected, load);
  await clearFaults(system);
  const drainStarted = performance.now();
  await load.stop();
  await unlinkings.stop(options.drainMs);
  const unfinished = await drain({ system, channels, load, clients, withinMs: options.drainMs, tick });
  const drainTime = clock(performance.now() - drainStarted);
  say(`faults undone; ${unfinished === "" ? "drained" : `NOT drained (${unfinished})`} after ${drainTime}`);
  for (const { name, unexpectedExits } of new Set([...system.functions, ...system.connectors]))
    if (unexpectedExits > 0)
      say(`${name} exited unexpectedly ${plural(unexpectedExits, "time")} and was restarted`);
  const run = {
    sends: load.sends,
    inbound: load.inbound,
    faults: faults.injected,
    clients,
    unlinkings: unlinkings.requested,
  };
  const facts = await gatherFacts(system, channels, run);
  const results = checks.map((check) => check(facts));
  const report = ["", ...lines, "", ...table(results), ...traces(results, facts, began)];
  for (const line of report) say(line);
  const violations = results.flatMap((result) =>
    result.violations.map(({ what, at, about }) => ({ what, at, about })),
  );
  if (violations.length === 0) system.forgetLogs();
  else {
    await writeFile(join(system.folder, "report.txt"), report.join("\n"));
    await writeFile(
      join(system.folder, "broken.json"),
      violations.map((one) => JSON.stringify(one)).join("\n"),
    );
    say(`\nseed ${seed}; logs: ${system.folder}`);
  }
  return results;
}
