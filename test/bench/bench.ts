import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { terminalProgress } from "#infra/mongo/progress.ts";
import { runMain } from "#shared/run-main.ts";
import type { ProgramName } from "./metrics.ts";
import { type BenchOptions, BenchUsageError, readOptions } from "./options.ts";
import type { Runtime } from "./program.ts";
import { figures, table } from "./report.ts";
import { type BenchRun, runBench } from "./run.ts";
import { runtimeNamed } from "./runtimes.ts";

const usageExit = 2;
const busy =
  "This machine is busy with other work: only the numbers of commands can be compared with another run's.";

/** `npm run bench`: compares Waypost with bare Baileys on this machine; `docs/performance.md` says how to read it. */
await runMain(async () => {
  try {
    await bench();
  } catch (error) {
    if (!(error instanceof BenchUsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = usageExit;
  }
});

async function bench(): Promise<void> {
  if (process.platform !== "linux")
    throw new BenchUsageError("npm run bench reads /proc, so it needs Linux.");
  const options = readOptions(process.argv.slice(2));
  const runtime = runtimeNamed(options.runtime);
  const progress = terminalProgress(process.stdout);
  const before = conditions(options, runtime);
  if (before.loadBefore > before.cores / 2) progress.say(busy);
  const run = await runBench(options, runtime, progress);
  const all = figures(run.rounds);
  const about = { ...before, ...durability(run), loadAfter: loadavg()[0] ?? 0 };
  const programs = (["bare", "floor", "waypost", "split"] as const).filter((name: ProgramName) =>
    all.some(({ medians }) => medians[name] !== undefined),
  );
  progress.say("");
  for (const line of table(all, programs)) progress.say(line);
  progress.say("");
  for (const [name, value] of Object.entries(about)) progress.say(`${name}: ${value}`);
  for (const line of run.failures) progress.say(`failed: ${line}`);
  if (run.failures.length > 0) process.exitCode = 1;
  if (!options.json) return;
  await writeFile(options.json, `${JSON.stringify({ about, figures: all, rounds: run.rounds }, null, 2)}\n`);
  progress.say(`\nAll rounds: ${options.json}`);
}

function conditions(options: BenchOptions, runtime: Runtime) {
  return {
    startedAt: new Date().toISOString(),
    cores: availableParallelism(),
    loadBefore: loadavg()[0] ?? 0,
    rounds: options.rounds,
    idleChannels: options.channels,
    bareRuntime: `Node ${process.versions.node}`,
    waypostRuntime: `${runtime.name}${options.isSplit ? ", functions and connector apart" : ""}`,
  };
}

/** The promises that the figures were measured with. */
function durability({ mongod }: BenchRun) {
  return {
    mongod: `${mongod}, replica set of one, on disk, started with the settings of the embedded one`,
    writes: "majority and journal, confirmed before an answer, a receipt, an acknowledgement or an event",
  };
}
