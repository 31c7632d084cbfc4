import { type Metric, metrics, type ProgramName, type ScenarioName } from "./metrics.ts";
import { median, shortNumber } from "./statistics.ts";

/** The figures of each round of each scenario, by program. */
export type Rounds = Partial<
  Record<ScenarioName, Partial<Record<ProgramName, readonly Record<string, number>[]>>>
>;

export interface Figure {
  scenario: ScenarioName;
  label: string;
  /** Median over the rounds, by program. */
  medians: Partial<Record<ProgramName, number>>;
  /** Of the medians; null where a program is missing or measured 0. */
  ratio: number | null;
  /** Such as `ratio ≤ 3`; null where there is none. */
  goal: string | null;
  isMet: boolean | null;
}

export function figures(rounds: Rounds): Figure[] {
  return metrics.flatMap((metric) => {
    const measured = rounds[metric.scenario];
    return measured ? [figure(metric, measured)] : [];
  });
}

function figure(metric: Metric, measured: NonNullable<Rounds[ScenarioName]>): Figure {
  const { scenario, key, label, ratioOf, goal } = metric;
  const medians: Figure["medians"] = {};
  for (const [program, all] of Object.entries(measured) as [ProgramName, Record<string, number>[]][]) {
    const values = all.map((one) => one[key]).filter((value) => value !== undefined);
    if (values.length > 0) medians[program] = median(values);
  }
  const [upper, lower] = ratioOf.map((program) => medians[program]);
  const ratio = upper === undefined || !lower ? null : upper / lower;
  const judged = goal?.of === "ratio" ? ratio : (medians.waypost ?? null);
  return {
    scenario,
    label,
    medians,
    ratio,
    goal: goal ? `${goal.of === "ratio" ? "ratio " : ""}${goal.isFloor ? "≥" : "≤"} ${goal.value}` : null,
    isMet: goal && judged !== null ? (goal.isFloor ? judged >= goal.value : judged <= goal.value) : null,
  };
}

/** A Markdown table of the figures, one column per program, aligned for a terminal. */
export function table(all: readonly Figure[], programs: readonly ProgramName[]): string[] {
  const cells = all.map((one) => [
    one.scenario,
    one.label,
    ...programs.map((program) => shortNumber(one.medians[program] ?? Number.NaN)),
    one.ratio === null ? "–" : shortNumber(one.ratio),
    one.goal === null ? "" : `${one.goal}${one.isMet === null ? "" : one.isMet ? " ✓" : " ✗"}`,
  ]);
  const header = ["scenario", "figure", ...programs, "ratio", "goal"];
  const widths = header.map((_, column) =>
    Math.max(...[header, ...cells].map((row) => row[column]?.length ?? 0), 3),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)];
}
