import type { Progress } from "#infra/mongo/progress.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startBare } from "./bare.ts";
import { type Baseline, measureBaseline, measureIdle, measureRestart } from "./crowd.ts";
import { startDatabase } from "./database.ts";
import type { ProgramName, ScenarioName } from "./metrics.ts";
import type { BenchOptions } from "./options.ts";
import { startProduct } from "./product.ts";
import type { Program, Runtime } from "./program.ts";
import type { Rounds } from "./report.ts";
import { type SandboxProcess, startSandboxProcess } from "./sandbox-process.ts";
import { scenarios } from "./scenarios.ts";
import { Subject } from "./subject.ts";

/** The figures of one run, and its conditions. */
export interface BenchRun {
  rounds: Rounds;
  mongod: string;
  /** Measurements that failed, each in a line. */
  failures: string[];
}

interface Run {
  options: BenchOptions;
  runtime: Runtime;
  progress: Progress;
  sandbox: SandboxProcess;
  folder: string;
  rounds: Record<string, Record<string, Record<string, number>[]>>;
  mongod: string;
  failures: string[];
  /** How many programs have been started. */
  started: number;
}

type Small = keyof typeof scenarios;
const isSmall = (name: ScenarioName): name is Small => name in scenarios;

/** Measures every program in turn, round by round. */
export async function runBench(
  options: BenchOptions,
  runtime: Runtime,
  progress: Progress,
): Promise<BenchRun> {
  await using folder = await temporaryFolder();
  await using sandbox = await startSandboxProcess();
  const run: Run = {
    ...{ options, runtime, progress, sandbox, folder: folder.path },
    ...{ rounds: {}, mongod: "–", failures: [], started: 0 },
  };
  await runSmall(run, options.scenarios.filter(isSmall));
  const crowd = options.scenarios.filter((name) => !isSmall(name));
  if (crowd.length > 0) await runCrowd(run, crowd);
  return { rounds: run.rounds as Rounds, mongod: run.mongod, failures: run.failures };
}

function programsOf({ options }: Run, scenario: ScenarioName): ProgramName[] {
  if (scenario === "split") return options.isSplit ? [] : ["waypost", "split"];
  if (options.isAlone) return ["waypost"];
  return options.withFloor ? ["bare", "floor", "waypost"] : ["bare", "waypost"];
}

/** Scenarios on a few channels: all programs are up, and one of them works. */
async function runSmall(run: Run, names: readonly Small[]): Promise<void> {
  await using owned = new AsyncDisposableStack();
  const subjects = new Map<ProgramName, Subject>();
  for (const program of new Set(names.flatMap((name) => programsOf(run, name)))) {
    const own = names.filter((name) => programsOf(run, name).includes(program));
    const subject = await startSubject(run, owned, program);
    subjects.set(program, subject);
    await subject.pairUntil(Math.max(...own.map((name) => scenarios[name].channels)));
    run.progress.say(`${program}: ${subject.channels.length} channels linked`);
  }
  const inTurn = async (work: (subject: Subject, scenario: Small, program: ProgramName) => Promise<void>) => {
    for (const name of names) {
      for (const program of programsOf(run, name)) {
        const subject = subjects.get(program);
        if (subject) await work(subject, name, program);
      }
    }
  };
  await inTurn(async (subject, name, program) => {
    run.progress.tick(`warming up: ${name}, ${program}`);
    await scenarios[name].warmUp(subject);
  });
  for (let round = 1; round <= run.options.rounds; round++) {
    await inTurn(async (subject, name, program) => {
      await note(run, name, program, () => scenarios[name].measure(subject), round);
    });
  }
}

/** Scenarios on many channels, which nothing else may share a program with. */
async function runCrowd(run: Run, names: readonly ScenarioName[]): Promise<void> {
  await using owned = new AsyncDisposableStack();
  const { options, progress } = run;
  const crowds: { program: ProgramName; subject: Subject; baseline: Baseline }[] = [];
  for (const program of programsOf(run, "restart")) {
    const subject = await startSubject(run, owned, program);
    const baseline = await measureBaseline(subject, options.channels);
    for (let count = 100; count < options.channels; count += 100) {
      await subject.pairUntil(count);
      progress.tick(`${program}: ${count} channels linked`);
    }
    await subject.pairUntil(options.channels);
    progress.say(`${program}: ${subject.channels.length} channels linked`);
    crowds.push({ program, subject, baseline });
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const { program, subject, baseline } of crowds) {
      // Also for `idle`: what a pairing leaves behind is not what a channel costs.
      await note(run, "restart", program, () => measureRestart(subject), round);
      if (names.includes("idle"))
        await note(run, "idle", program, () => measureIdle(subject, baseline), round);
    }
  }
}

/** Measures and notes the result. A failure is reported, and the others go on. */
async function note(
  run: Run,
  scenario: ScenarioName,
  program: ProgramName,
  measure: () => Promise<Record<string, number>>,
  round: number,
): Promise<void> {
  const about = `round ${round} of ${run.options.rounds}: ${scenario}, ${program}`;
  run.rounds[scenario] ??= {};
  run.rounds[scenario][program] ??= [];
  try {
    run.rounds[scenario][program].push(await measure());
    run.progress.say(about);
  } catch (error) {
    run.failures.push(`${about}: ${error instanceof Error ? error.message : error}`);
    run.progress.say(`${about} FAILED: ${error instanceof Error ? error.message : error}`);
  }
}

async function startSubject(run: Run, owned: AsyncDisposableStack, name: ProgramName): Promise<Subject> {
  const index = ++run.started;
  const program = owned.use(await startProgram(run, owned, name, index));
  return new Subject(program, run.sandbox.call, index);
}

/** Each program that keeps something has a mongod of its own, so that the CPU and the commands are its own, too. */
async function startProgram(
  run: Run,
  owned: AsyncDisposableStack,
  name: ProgramName,
  index: number,
): Promise<Program> {
  const { progress, folder, options, runtime } = run;
  const whatsapp = await run.sandbox.call("environment");
  if (name === "bare") return startBare({ name, whatsapp, folder, database: null });
  const database = owned.use(await startDatabase(progress));
  run.mongod = database.version;
  if (name === "floor") return startBare({ name, whatsapp, folder, database });
  const isSplit = name === "split" || options.isSplit;
  return startProduct({
    ...{ name, whatsapp, folder, database, runtime, isSplit },
    databaseName: `bench${index}`,
  });
}
