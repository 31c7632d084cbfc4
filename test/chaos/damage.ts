import { sleep } from "#shared/sleep.ts";
import type { NodeProcess } from "../support/node-process.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import type { ChaosChannel } from "./channels.ts";
import type { FaultKind, PlannedFault } from "./schedule.ts";

/** A fault that was done. Times are milliseconds since 1970. */
export interface DoneFault {
  kind: FaultKind;
  /** Whom it struck: a process, a member's port, phone numbers. */
  struck: string;
  from: number;
  to: number | null;
  /** Why it could not be done, or not be mended. */
  failed: string | null;
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

interface Act {
  struck: string;
  mend?: () => Promise<unknown> | unknown;
}

/** Does it; what it returns mends it. */
const acts: Record<FaultKind, (scene: Scene) => Promise<Act> | Act> = {
  "connector killed, back under a new name after the takeover": ({ connector, newName }) =>
    restarting(connector, "SIGKILL", newName()),
  "connector killed, back at once under its name": ({ connector }) => restarting(connector, "SIGKILL"),
  "connector asked to end, back later": ({ connector }) => restarting(connector, "SIGTERM"),
  "connector asked to end, back at once under a new name": ({ connector, newName }) =>
    restarting(connector, "SIGTERM", newName()),
  "connector stopped and continued": ({ connector }) => stopping(connector),
  "connector cut from the database": ({ connector: { name, database } }) => {
    database.cut();
    return { struck: name, mend: () => database.mend() };
  },
  "connector's database says nothing": ({ connector: { name, database } }) => {
    database.freeze();
    return { struck: name, mend: () => database.mend() };
  },
  "connector's database is slow": ({ connector: { name, database }, fault }) => {
    const delayMs = Math.round(25 + fault.strength * 125);
    database.slow(delayMs);
    return { struck: `${name}, ${2 * delayMs} ms`, mend: () => database.slow(0) };
  },
  "connector cut from WhatsApp": ({ connector: { name, whatsapp } }) => {
    whatsapp?.cut();
    return { struck: name, mend: () => whatsapp?.mend() };
  },
  "connector's WhatsApp says nothing": ({ connector: { name, whatsapp } }) => {
    whatsapp?.freeze();
    return { struck: name, mend: () => whatsapp?.mend() };
  },
  "functions killed": ({ functions }) => restarting(functions, "SIGKILL"),
  "functions stopped and continued": ({ functions }) => stopping(functions),
  "functions asked to end": ({ functions }) => restarting(functions, "SIGTERM"),
  "functions cut from the database": ({ functions: { name, database } }) => {
    database.cut();
    return { struck: name, mend: () => database.mend() };
  },
  "primary killed": async ({ system: { mongo } }) => {
    const port = await mongo.killPrimary();
    return { struck: `member ${port}`, mend: () => mongo.restart(port) };
  },
  "primary steps down": async ({ system: { mongo } }) => {
    await mongo.stepDown();
    return { struck: "the primary" };
  },
  "connections dropped": forEachPhone(({ system: { sandbox } }, phone) => sandbox.faults.drop(phone)),
  "stream error 515": forEachPhone(({ system: { sandbox } }, phone) =>
    sandbox.faults.streamError(phone, 515),
  ),
  "stream error 503": forEachPhone(({ system: { sandbox } }, phone) =>
    sandbox.faults.streamError(phone, 503),
  ),
  "replaced (440)": forEachPhone(({ system: { sandbox } }, phone) => sandbox.faults.replace(phone)),
  "logins refused with 503": forEachPhone(({ system: { sandbox } }, phone) => {
    sandbox.faults.failLogin(phone, 503);
    sandbox.faults.drop(phone);
  }),
  "upgrades refused": ({ system: { sandbox }, phones }) => {
    sandbox.faults.refuseUpgrade({ status: 503 });
    for (const phone of phones) sandbox.faults.drop(phone);
    return { struck: "everybody", mend: () => sandbox.faults.refuseUpgrade(null) };
  },
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

function forEachPhone(
  act: (scene: Scene, phone: string) => void,
  mend?: (scene: Scene, phone: string) => void,
) {
  return (scene: Scene): Act => {
    const each = (work: (scene: Scene, phone: string) => void) => {
      for (const phone of scene.phones) work(scene, phone);
    };
    each(act);
    return { struck: scene.phones.join(" "), ...(mend ? { mend: () => each(mend) } : {}) };
  };
}

async function restarting(process: NodeProcess, signal: "SIGKILL" | "SIGTERM", name?: string): Promise<Act> {
  const ended = process.end(signal);
  return {
    struck: process.name,
    async mend() {
      await ended;
      if (name !== undefined) process.connectorId = name;
      process.launch();
    },
  };
}

function stopping(process: NodeProcess): Act {
  process.signal("SIGSTOP");
  return { struck: process.name, mend: () => process.signal("SIGCONT") };
}

/** Does what is planned, at its times. `done` grows; `finished` resolves when everything is mended again. */
export function startDamage(
  system: SupervisedProcesses,
  channels: readonly ChaosChannel[],
  planned: readonly PlannedFault[],
  signal: AbortSignal,
): { done: DoneFault[]; finished: Promise<void> } {
  const done: DoneFault[] = [];
  const began = performance.now();
  let names = 0;
  const strike = async (fault: PlannedFault) => {
    await sleep(fault.at - (performance.now() - began), signal);
    if (signal.aborted) return;
    const connector = member(system.connectors, fault.target);
    const functions = member(system.functions, fault.target);
    const phones = somePhones(channels, fault);
    const newName = () => `${connector.name}-${++names}`;
    await doFault({ system, connector, functions, phones, fault, newName }, done, signal);
  };
  const finished = Promise.all(planned.map(strike)).then(() => undefined);
  return { done, finished };
}

async function doFault(scene: Scene, done: DoneFault[], signal: AbortSignal): Promise<void> {
  const { kind, lastsMs } = scene.fault;
  const record: DoneFault = { kind, struck: "", from: Date.now(), to: null, failed: null };
  done.push(record);
  try {
    const { struck, mend } = await acts[kind](scene);
    record.struck = struck;
    if (mend) await sleep(lastsMs, signal);
    await mend?.();
  } catch (error) {
    record.failed = String(error);
  }
  record.to = Date.now();
}

function member<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (found === undefined) throw new Error("there is none");
  return found;
}

/** Between one channel and a quarter of them. */
function somePhones(channels: readonly ChaosChannel[], { target, strength }: PlannedFault): string[] {
  const count = 1 + Math.floor((strength * channels.length) / 4);
  return Array.from({ length: count }, (_, index) => member(channels, target + index).phone.phoneNumber);
}
