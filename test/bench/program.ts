import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Call, callsTo } from "./calls.ts";
import { Client } from "./client.ts";
import { nowMs } from "./clock.ts";
import type { BenchDatabase } from "./database.ts";
import type { ProbeOffers } from "./probe.child.ts";
import { cpuMs, residentKb } from "./process-usage.ts";

/** A process of a program. */
export interface ProcessSpec {
  runtime: Runtime;
  main: URL;
  env: NodeJS.ProcessEnv;
  url: string;
}

/** Runs a file, and the probe in its process. */
export interface Runtime {
  name: string;
  command(main: URL, probe: URL): { file: string; args: string[] };
}

export interface ProgramOptions {
  name: string;
  /** The first one answers HTTP, the last one runs the channels. */
  processes: [ProcessSpec, ...ProcessSpec[]];
  /** Null for a program that keeps nothing. */
  database: BenchDatabase | null;
  /** Runs before a kill: what a program without a database needs, to come back. */
  beforeKill?(client: Client): Promise<void>;
}

/** CPU time and commands so far. */
export interface Usage {
  gatewayMs: number;
  databaseMs: number;
  commands: Record<string, number>;
}

export type Memory = Record<"liveKb" | "residentKb" | "databaseKb" | "storedKb", number>;

/** The Node that runs this, with these flags. */
export function nodeWith(...flags: string[]): Runtime {
  return {
    name: [`Node ${process.versions.node}`, ...flags].join(" "),
    command: (main, probe) => ({
      file: process.execPath,
      args: [...flags, "--import", probe.href, fileURLToPath(main)],
    }),
  };
}

export const plainNode = nodeWith();

const probe = new URL("./probe.child.ts", import.meta.url);
const folder = fileURLToPath(new URL(".", import.meta.url));
const readyMs = 60_000;
const pollMs = 10;

/** A gateway under measurement, which runs in one process or more. Disposal kills it. */
export class Program implements AsyncDisposable {
  readonly name: string;
  readonly client: Client;
  readonly database: BenchDatabase | null;
  readonly #options: ProgramOptions;
  #children: { child: ChildProcess; probe: Call<ProbeOffers> }[] = [];

  static async start(options: ProgramOptions): Promise<Program> {
    const program = new Program(options);
    await program.launch();
    return program;
  }

  private constructor(options: ProgramOptions) {
    this.#options = options;
    this.name = options.name;
    this.database = options.database;
    const { processes } = options;
    this.client = new Client(processes[0].url, (processes.at(-1) ?? processes[0]).url);
  }

  /** Resolves when every process answers over HTTP. */
  async launch(): Promise<void> {
    this.#children = this.#options.processes.map((spec) => this.#spawn(spec));
    await Promise.all(this.#options.processes.map(({ url }, index) => this.#listening(url, index)));
  }

  #spawn({ runtime, main, env }: ProcessSpec) {
    const { file, args } = runtime.command(main, probe);
    const { PATH, HOME, TMPDIR } = process.env;
    const child = spawn(file, args, {
      cwd: folder,
      env: { PATH, HOME, TMPDIR, ...env },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "json",
    });
    return { child, probe: callsTo<ProbeOffers>(child) };
  }

  async #listening(url: string, index: number): Promise<void> {
    for (const until = nowMs() + readyMs; ; await delay(pollMs)) {
      const answer = await fetch(`${url}/health/live`).catch(() => null);
      if (answer?.ok) return;
      const exitCode = this.#children[index]?.child.exitCode ?? null;
      if (exitCode !== null) throw new Error(`${this.name} exited with ${exitCode} before it listened`);
      if (nowMs() > until) throw new Error(`${this.name} does not listen on ${url}`);
    }
  }

  async usage(): Promise<Usage> {
    const { database } = this;
    const own = await Promise.all(this.#children.map(({ child }) => cpuMs(child.pid ?? 0)));
    return {
      gatewayMs: own.reduce((sum, each) => sum + each, 0),
      databaseMs: database ? await cpuMs(database.pid) : 0,
      commands: database ? await database.commands() : {},
    };
  }

  /** Memory of all processes, once they have collected their garbage, and what the database stores. */
  async memory(): Promise<Memory> {
    const sum = { liveKb: 0, residentKb: 0, databaseKb: 0, storedKb: 0 };
    for (const { child, probe } of this.#children) {
      sum.liveKb += (await probe("liveBytes")) / 1024;
      sum.residentKb += await residentKb(child.pid ?? 0);
    }
    if (this.database) {
      sum.storedKb = await this.database.storedKb();
      sum.databaseKb = await residentKb(this.database.pid);
    }
    return sum;
  }

  /** Resolves with the time of the kill, once every process is gone. */
  async kill(): Promise<number> {
    const running = this.#children.filter(
      ({ child }) => child.exitCode === null && child.signalCode === null,
    );
    if (running.length > 0) await this.#options.beforeKill?.(this.client);
    this.client.disconnect();
    const killedAt = nowMs();
    await Promise.all(
      running.map(({ child }) => {
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        return gone;
      }),
    );
    this.#children = [];
    return killedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.client.close();
  }
}
