import { parseArgs } from "node:util";
import { terminalProgress } from "#infra/mongo/progress.ts";
import { runMain } from "#shared/run-main.ts";
import { installedBun, needsBun, node } from "../support/runtime.ts";
import { plural } from "./plural.ts";
import { runChaos } from "./run.ts";

/** `npm run chaos`: runs the whole product while injecting faults; exits with 0 only if every promise holds. */
await runMain(async (asked) => {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: "string", default: "10" },
      channels: { type: "string", default: "50" },
      runtime: { type: "string", default: "node" },
      together: { type: "boolean", default: false },
    },
  });
  const connectorRuntime = values.runtime === "bun" ? installedBun() : node;
  if (!connectorRuntime) {
    process.stderr.write(`${needsBun}\n`);
    process.exitCode = 2;
    return;
  }
  const stopping = new AbortController();
  void asked.then(() => stopping.abort());
  const progress = terminalProgress(process.stdout);
  const seed = Number(values.seed);
  progress.say(
    `chaos: --seed ${seed} --minutes ${values.minutes} --channels ${values.channels} --runtime ${connectorRuntime.name}${values.together ? " --together" : ""}`,
  );
  const results = await runChaos({
    seed,
    durationMs: Number(values.minutes) * 60_000,
    channels: Number(values.channels),
    connectors: 3,
    connectorRuntime,
    functions: values.together ? 0 : 2,
    // Per channel. 50 channels make about 6 sends and 5 inbound messages a second, which leaves two cores room for faults.
    rates: { http: 0.07, database: 0.05, inbound: 0.1 },
    unlinkingsPerSecond: 0.1,
    electionTimeoutMs: 10_000,
    drainMs: 90_000,
    signal: stopping.signal,
    say: progress.say,
    tick: progress.tick,
  });
  const broken = results.filter(({ violations }) => violations.length > 0);
  progress.say(
    broken.length === 0 ? "\nEvery promise holds." : `\n${plural(broken.length, "promise")} broken.`,
  );
  if (broken.length > 0) process.exitCode = 1;
});
