import { setTimeout as wait } from "node:timers/promises";
import type { PlannedFault } from "./schedule.ts";

/** A fault that was applied, and when: milliseconds after the start. */
export interface AppliedFault extends PlannedFault {
  appliedAtMs: number;
  /** Why it failed. */
  error?: string;
}

/** Applies one fault, given its name and arguments in the API. */
export type ApplyFault = (fault: string, input: unknown) => void | Promise<void>;

/**
 * Applies the planned faults in order, each at its time or as soon after as possible, and appends them to `report`.
 * When aborted, it applies no further faults and at once ends those that are still active. Never rejects.
 */
export async function runFaults(
  plan: readonly PlannedFault[],
  apply: ApplyFault,
  signal: AbortSignal,
  report: AppliedFault[] = [],
): Promise<AppliedFault[]> {
  const startedAt = performance.now();
  const sinceStart = (): number => Math.round(performance.now() - startedAt);
  for (const planned of plan) {
    await until(planned.atMs - sinceStart(), signal);
    const isNeeded = !signal.aborted || (planned.isMend && wasApplied(report, planned));
    if (!isNeeded) continue;
    const failure = await attempt(() => apply(planned.fault, planned.arguments));
    report.push({
      ...planned,
      appliedAtMs: sinceStart(),
      ...(failure === null ? {} : { error: failure }),
    });
  }
  return report;
}

async function until(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0 && !signal.aborted) await wait(delayMs, undefined, { signal }).catch(() => {});
}

/** Whether the fault that this one ends was applied: same name, same target. */
const wasApplied = (
  report: readonly AppliedFault[],
  { fault, arguments: { target } }: PlannedFault,
): boolean =>
  report.some((applied) => applied.fault === fault && !applied.isMend && applied.arguments.target === target);

async function attempt(work: () => void | Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
