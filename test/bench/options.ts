import { parseArgs } from "node:util";
import { type ScenarioName, scenarioNames } from "./metrics.ts";

export interface BenchOptions {
  scenarios: ScenarioName[];
  rounds: number;
  /** Channels of the scenarios `idle` and `restart`. */
  channels: number;
  runtime: "node" | "bun";
  /** Runs Waypost as two processes in every scenario. */
  isSplit: boolean;
  withFloor: boolean;
  /** Measures Waypost without anything to compare it with. */
  isAlone: boolean;
  /** Where the figures go as JSON; null: nowhere. */
  json: string | null;
}

export class BenchUsageError extends Error {
  override readonly name = "BenchUsageError";
}

const flags = {
  scenario: { type: "string", multiple: true, default: [] as string[] },
  rounds: { type: "string", default: "3" },
  channels: { type: "string", default: "100" },
  runtime: { type: "string", default: "node" },
  split: { type: "boolean", default: false },
  floor: { type: "boolean", default: false },
  alone: { type: "boolean", default: false },
  json: { type: "string", default: "bench.json" },
} as const;

/** Throws `BenchUsageError` for a flag or value that does not exist. */
export function readOptions(args: readonly string[]): BenchOptions {
  const values = parsed(args);
  const named = values.scenario.flatMap((text) => text.split(","));
  return {
    scenarios: named.length > 0 ? named.map(scenario) : [...scenarioNames],
    rounds: count("rounds", values.rounds),
    channels: count("channels", values.channels),
    runtime: runtime(values.runtime),
    isSplit: values.split,
    withFloor: values.floor,
    isAlone: values.alone,
    json: values.json || null,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    throw new BenchUsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function scenario(name: string): ScenarioName {
  const known = scenarioNames.find((one) => one === name);
  if (known) return known;
  throw new BenchUsageError(`--scenario ${name}: there are ${scenarioNames.join(", ")}`);
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new BenchUsageError(`--${flag} ${text}: needs a whole number above 0`);
}

function runtime(name: string): "node" | "bun" {
  if (name === "node" || name === "bun") return name;
  throw new BenchUsageError(`--runtime ${name}: there are node and bun`);
}
