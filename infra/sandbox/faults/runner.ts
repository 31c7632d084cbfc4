import { setTimeout as wait } from "node:timers/promises";
import type { PlannedFault } from "./schedule.ts";

/** What was done, and when: milliseconds after the start. */
export interface AppliedFault extends PlannedFault {
  appliedAtMs: number;
  /** Why it could not be done. */
  error?: string;
}

/** Breaks one thing, by the fault's name and arguments in the API. */
export type ApplyFault = (fault: string, input: unknown) => void | Promise<void>;

/**
 * Does what is planned, in order, each at its time or as soon after as possible; `report` grows meanwhile.
 * Aborted, it does no more damage and mends at once what is still broken. Never rejects.
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
    const isNeeded = !signal.aborted || (planned.isMend && hasBegun(report, planned));
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

/** The fault that this one mends was begun: same name, same target. */
const hasBegun = (report: readonly AppliedFault[], { fault, arguments: { target } }: PlannedFault): boolean =>
  report.some((done) => done.fault === fault && !done.isMend && done.arguments.target === target);

async function attempt(work: () => void | Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
