import { Hono } from "hono";
import { z } from "zod";
import type { AppliedFault } from "../faults/runner.ts";
import {
  defaultRates,
  type PlannedFault,
  planFaults,
  type ScheduledFault,
  scheduledFaults,
} from "../faults/schedule.ts";
import { omitUndefined } from "../omit-undefined.ts";
import type { Sandbox } from "../sandbox-api.ts";
import { AdminError } from "./errors.ts";
import { body, phoneNumber } from "./input.ts";

const dayS = 24 * 60 * 60;
const perMinute = z.number().min(0).max(600);
const plannedMax = 20_000;
const scheduleRequest = z.strictObject({
  seed: z.number().int().min(0).max(0xffff_ffff),
  seconds: z.number().int().min(1).max(dayS),
  targets: z.array(phoneNumber).max(10_000).optional(),
  rates: z
    .partialRecord(z.enum(scheduledFaults as [ScheduledFault, ...ScheduledFault[]]), perMinute)
    .optional(),
});
const nothing = z.strictObject({});

interface Run {
  seed: number;
  seconds: number;
  plan: PlannedFault[];
  report: AppliedFault[];
  isRunning: boolean;
  stop: AbortController;
}

/** Routes for seeded fault schedules. One schedule runs at a time. */
export function scheduleRoutes(sandbox: Sandbox): Hono {
  const routes = new Hono();
  let run: Run | null = null;
  routes.get("/faults/schedule", (c) => c.json({ ok: true, payload: run && view(run) }));
  routes.post("/faults/schedule", async (c) => {
    const { seed, seconds, ...options } = await body(c, scheduleRequest);
    if (run?.isRunning) throw new AdminError("refused", "A schedule is already running; stop it first.");
    const { targets = linkedNumbers(sandbox), rates = defaultRates } = options;
    const plan = planFaults({ seed, seconds, targets, rates: omitUndefined(rates) });
    if (plan.length > plannedMax)
      throw new AdminError(
        "refused",
        `The plan has more than ${plannedMax} faults; shorten the time or lower the rates.`,
      );
    run = start(sandbox, { seed, seconds, plan, report: [], isRunning: true, stop: new AbortController() });
    return c.json({ ok: true, payload: view(run) });
  });
  routes.post("/faults/schedule/stop", async (c) => {
    await body(c, nothing);
    run?.stop.abort();
    return c.json({ ok: true, payload: run && view(run) });
  });
  return routes;
}

function start(sandbox: Sandbox, run: Run): Run {
  void sandbox.runFaults(run.plan, run.stop.signal, run.report).finally(() => {
    run.isRunning = false;
  });
  return run;
}

const view = ({ stop: _stop, ...rest }: Run) => rest;

const linkedNumbers = (sandbox: Sandbox): string[] =>
  sandbox
    .accounts()
    .filter((account) => account.devices().length > 0)
    .map(({ phoneNumber }) => phoneNumber)
    .sort();
