import { randomBytes } from "node:crypto";
import { sleep } from "#shared/sleep.ts";
import type { NodeProcess } from "../support/node-process.ts";
import { shiftedClock } from "../support/shifted-clock.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { FaultKind, PlannedFault } from "./schedule.ts";

/** A fault that was injected. Times are milliseconds since 1970. */
export interface InjectedFault {
  kind: FaultKind;
  /** Its target: a process, a replica-set member's port, phone numbers. */
  target: string;
  from: number;
  /** When it was undone; null while it lasts. */
  to: number | null;
  /** The error with which injecting or undoing it failed. */
  failed: string | null;
  /** How long a bare process took around it to import what a connector imports; only where the limit depends on it. */
  importMs?: number;
}

interface Scene {
  system: SupervisedProcesses;
  connector: NodeProcess;
  functions: NodeProcess;
  /** Some channels' phone numbers. */
  phones: string[];
  fault: PlannedFault;
  newName(): string;
}

interface Injection {
  target: string;
  undo?: () => Promise<unknown> | unknown;
}

const restarted = "connector killed, restarted at once under its name";
/** When a restarted connector has its channels back, or has failed to. */
const restartedMs = 6_000;

/** How to inject each kind of fault, and how to undo it. */
const injections: Record<FaultKind, (scene: Scene) => Promise<Injection> | Injection> = {
  "connector killed, restarted under a new name after the takeover": ({ connector, newName }) =>
    restarting(connector, "SIGKILL", newName()),
  [restarted]: ({ connector }) => restarting(connector, "SIGKILL"),
  "connector terminated, restarted later": ({ connector }) => restarting(connector, "SIGTERM"),
  "connector terminated, restarted at once under a new name": ({ connector, newName }) =>
    restarting(connector, "SIGTERM", newName()),
  "connector paused and resumed": ({ connector }) => pausing(connector),
  "connector cut off from the database": ({ connector: { name, database } }) => {
    database.cut();
    return { target: name, undo: () => database.mend() };
  },
  "connector gets no answer from the database": ({ connector: { name, database } }) => {
    database.freeze();
    return { target: name, undo: () => database.mend() };
  },
  "connector gets slow answers from the database": ({ connector: { name, database }, fault }) => {
    const delayMs = Math.round(25 + fault.strength * 125);
    database.slow(delayMs);
    return { target: `${name}, ${2 * delayMs} ms`, undo: () => database.slow(0) };
  },
  "connector cut off from WhatsApp": ({ connector: { name, whatsapp } }) => {
    whatsapp?.cut();
    return { target: name, undo: () => whatsapp?.mend() };
  },
  "connector gets no answer from WhatsApp": ({ connector: { name, whatsapp } }) => {
    whatsapp?.freeze();
    return { target: name, undo: () => whatsapp?.mend() };
  },
  "connector restarted with another encryption key": ({ connector }) =>
    changing(connector, { ENCRYPTION_KEY: randomBytes(32).toString("base64") }),
  "connector restarted with its clock 90 s behind": ({ connector }) =>
    changing(connector, shiftedClock(-90_000)),
  "connector restarted with its clock 90 s ahead": ({ connector }) =>
    changing(connector, shiftedClock(90_000)),
  "functions killed": ({ functions }) => restarting(functions, "SIGKILL"),
  "functions paused and resumed": ({ functions }) => pausing(functions),
  "functions terminated": ({ functions }) => restarting(functions, "SIGTERM"),
  "functions cut off from the database": ({ functions: { name, database } }) => {
    database.cut();
    return { target: name, undo: () => database.mend() };
  },
  "primary killed": async ({ system: { mongo } }) => {
    const port = await mongo.killPrimary();
    return { target: `member ${port}`, undo: () => mongo.restart(port) };
  },
  "primary stepped down": async ({ system: { mongo } }) => {
    await mongo.stepDown();
    return { target: "the primary" };
  },
  "connections dropped": forEachPhone(({ system: { sandbox } }, phone) => sandbox.faults.drop(phone)),
  "stream error 515": forEachPhone(({ system: { sandbox } }, phone) =>
    sandbox.faults.streamError(phone, 515),
  ),
  "stream error 503": forEachPhone(({ system: { sandbox } }, phone) =>
    sandbox.faults.streamError(phone, 503),
  ),
  "connections replaced (440)": forEachPhone(({ system: { sandbox } }, phone) =>
    sandbox.faults.replace(phone),
  ),
  "logins refused with 503": forEachPhone(({ system: { sandbox } }, phone) => {
    sandbox.faults.failLogin(phone, 503);
    sandbox.faults.drop(phone);
  }),
  "upgrades refused": ({ system: { sandbox }, phones }) => {
    sandbox.faults.refuseUpgrade({ status: 503 });
    for (const phone of phones) sandbox.faults.drop(phone);
    return { target: "all channels", undo: () => sandbox.faults.refuseUpgrade(null) };
  },
  "queries for keys unanswered": unanswered("encrypt"),
  "queries for devices unanswered": unanswered("usync"),
  "acknowledgements lost": forEachPhone(
    ({ system: { sandbox } }, phone) => sandbox.faults.withholdAcks(phone, true),
    ({ system: { sandbox } }, phone) => sandbox.faults.withholdAcks(phone, false),
  ),
  "acknowledgements and receipts lost": forEachPhone(
    ({ system: { sandbox } }, phone) => {
      sandbox.faults.withholdAcks(phone, true);
      sandbox.faults.receipts(phone, "never");
    },
    ({ system: { sandbox } }, phone) => {
      sandbox.faults.withholdAcks(phone, false);
      sandbox.faults.receipts(phone, null);
    },
  ),
  "messages refused": forEachPhone(
    ({ system: { sandbox } }, phone) => sandbox.faults.ackError(phone, 400, { times: 5 }),
    ({ system: { sandbox } }, phone) => sandbox.faults.ackError(phone, null),
  ),
};

function unanswered(xmlns: string) {
  return ({ system: { sandbox } }: Scene): Injection => {
    sandbox.faults.ignoreQuery(xmlns, { times: Number.POSITIVE_INFINITY });
    return { target: "all channels", undo: () => sandbox.faults.ignoreQuery(xmlns, { times: 0 }) };
  };
}

function forEachPhone(
  inject: (scene: Scene, phone: string) => void,
  undo?: (scene: Scene, phone: string) => void,
) {
  return (scene: Scene): Injection => {
    const each = (work: (scene: Scene, phone: string) => void) => {
      for (const phone of scene.phones) work(scene, phone);
    };
    each(inject);
    return { target: scene.phones.join(" "), ...(undo ? { undo: () => each(undo) } : {}) };
  };
}

async function restarting(
  process: NodeProcess,
  signal: "SIGKILL" | "SIGTERM",
  name?: string,
): Promise<Injection> {
  const ended = process.end(signal);
  return {
    target: process.name,
    async undo() {
      await ended;
      if (name !== undefined) process.connectorId = name;
      process.launch();
    },
  };
}

/** Restarts the process with these settings, and later without them. */
async function changing(process: NodeProcess, settings: NodeJS.ProcessEnv): Promise<Injection> {
  const restart = async (next: NodeJS.ProcessEnv) => {
    await process.end("SIGTERM");
    process.settings = next;
    process.launch();
  };
  await restart(settings);
  return { target: process.name, undo: () => restart({}) };
}

function pausing(process: NodeProcess): Injection {
  process.signal("SIGSTOP");
  return { target: process.name, undo: () => process.signal("SIGCONT") };
}

/** Injects the planned faults at their times. `injected` grows; `finished` resolves once every fault is undone. */
export function injectFaults(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  planned: readonly PlannedFault[],
  measureImports: () => Promise<number>,
  signal: AbortSignal,
): { injected: InjectedFault[]; finished: Promise<void> } {
  const injected: InjectedFault[] = [];
  const began = performance.now();
  let names = 0;
  const injectAtItsTime = async (fault: PlannedFault) => {
    await sleep(fault.at - (performance.now() - began), signal);
    if (signal.aborted) return;
    const connector = member(system.connectors, fault.target);
    const functions = member(system.functions, fault.target);
    const phones = somePhones(channels, fault);
    const newName = () => `${connector.name}-${++names}`;
    const scene = { system, connector, functions, phones, fault, newName };
    const around = fault.kind === restarted ? importsAround(measureImports, signal) : null;
    await around?.measure();
    const record = await injectOne(scene, injected, signal);
    if (around) record.importMs = await around.after();
  };
  const finished = Promise.all(planned.map(injectAtItsTime)).then(() => undefined);
  return { injected, finished };
}

/** Measures starting processes before a fault, and again when its channels should be back. */
function importsAround(measureImports: () => Promise<number>, signal: AbortSignal) {
  const times: number[] = [];
  const measure = async () => {
    for (let count = 0; count < 2; count++) times.push(await measureImports());
  };
  return {
    measure,
    /** Resolves to the upper median of all. */
    async after(): Promise<number> {
      await sleep(restartedMs, signal);
      await measure();
      return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
    },
  };
}

async function injectOne(
  scene: Scene,
  injected: InjectedFault[],
  signal: AbortSignal,
): Promise<InjectedFault> {
  const { kind, lastsMs } = scene.fault;
  const record: InjectedFault = { kind, target: "", from: Date.now(), to: null, failed: null };
  injected.push(record);
  try {
    const { target, undo } = await injections[kind](scene);
    record.target = target;
    if (undo) await sleep(lastsMs, signal);
    await undo?.();
  } catch (error) {
    record.failed = String(error);
  }
  record.to = Date.now();
  return record;
}

function member<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (found === undefined) throw new Error("the list is empty");
  return found;
}

/** The phone numbers of one to a quarter of the channels, depending on the fault's strength. */
function somePhones(channels: readonly ChaosChannel[], { target, strength }: PlannedFault): string[] {
  const count = 1 + Math.floor((strength * channels.length) / 4);
  return Array.from({ length: count }, (_, index) => member(channels, target + index).phone.phoneNumber);
}
