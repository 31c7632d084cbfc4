import { parseArgs } from "node:util";
import { terminalProgress } from "#infra/mongo/progress.ts";
import { runMain } from "#shared/run-main.ts";
import { runChaos } from "./run.ts";

/** `npm run chaos`: the whole product under damage; exits 0 only if every promise held. */
await runMain(async (asked) => {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: "string", default: "10" },
      channels: { type: "string", default: "50" },
    },
  });
  const stopping = new AbortController();
  void asked.then(() => stopping.abort());
  const progress = terminalProgress(process.stdout);
  const seed = Number(values.seed);
  progress.say(`chaos: seed ${seed}, ${values.minutes} minutes, ${values.channels} channels`);
  const rows = await runChaos({
    seed,
    durationMs: Number(values.minutes) * 60_000,
    channels: Number(values.channels),
    connectors: 3,
    functions: 2,
    // A channel's: with 50 of them some 6 sends and 5 inbound a second, which leaves two cores room for what breaks.
    rates: { http: 0.07, database: 0.05, inbound: 0.1 },
    electionTimeoutMs: 10_000,
    settleMs: 90_000,
    signal: stopping.signal,
    say: progress.say,
    tick: progress.tick,
  });
  const broken = rows.filter((row) => row.broken.length > 0);
  progress.say(broken.length === 0 ? "\nEvery promise held." : `\n${broken.length} promises were broken.`);
  if (broken.length > 0) process.exitCode = 1;
});
