import { randomUUID } from "node:crypto";
import type { Account } from "#infra/sandbox/account.ts";
import { sleep } from "#shared/sleep.ts";
import type { SupervisedProcesses } from "../support/system.ts";
import { numberOf, pairChannel } from "./channels.ts";
import type { Random } from "./random.ts";

/** A channel that was linked only to be logged out or deleted. Times are milliseconds since 1970. */
export interface Unlinking {
  kind: "logout" | "delete";
  channelId: string;
  phone: Account;
  /** How many queries to unlink the sandbox left unanswered from then on. */
  unanswered: number;
  askedAt: number;
  /** When the product said that it is done; null if it has not. */
  confirmedAt: number | null;
  /** How many devices the phone listed at that moment; null until then. */
  devicesThen: number | null;
}

/** Every unlinking that was requested so far; the array grows during the run. */
export interface Unlinkings {
  requested: Unlinking[];
  /** Requests no more, and resolves once every request is confirmed or `withinMs` is over. */
  stop(withinMs: number): Promise<void>;
}

const retryMs = 250;
const answerMs = 15_000;
const unansweredMax = 3;

/** Links channels and unlinks them again, one after the other; half of the time WhatsApp answers only a later attempt. */
export function startUnlinkings(system: SupervisedProcesses, perSecond: number, random: Random): Unlinkings {
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const requested: Unlinking[] = [];
  const confirming: Promise<void>[] = [];
  const run = async () => {
    for (let index = 0; !stopping.signal.aborted; index++) {
      await sleep(random.between(0.5, 1.5) * (1_000 / perSecond), stopping.signal);
      const kind = random.pick(["logout", "delete"] as const);
      const unanswered = random.next() < 0.5 ? 1 + random.index(unansweredMax) : 0;
      if (stopping.signal.aborted) return;
      const phone = system.sandbox.account(numberOf(4, index));
      // Faults may end a pairing, as they may in a person's hands; what was linked is not unlinked then.
      const channelId = await pairChannel(system, index, phone).catch(() => null);
      if (channelId === null) continue;
      const unlinking = newUnlinking({ kind, channelId, phone, unanswered });
      requested.push(unlinking);
      if (unanswered > 0) system.sandbox.faults.ignoreQuery("md", { times: unanswered });
      confirming.push(confirm(system, unlinking, index, givingUp.signal));
    }
  };
  const running = run();
  return {
    requested,
    async stop(withinMs) {
      stopping.abort();
      await running;
      const timer = setTimeout(() => givingUp.abort(), withinMs);
      await Promise.all(confirming);
      clearTimeout(timer);
    },
  };
}

function newUnlinking(of: Pick<Unlinking, "kind" | "channelId" | "phone" | "unanswered">): Unlinking {
  return { ...of, askedAt: Date.now(), confirmedAt: null, devicesThen: null };
}

const noStep: Step = { isDone: false, location: null };

/** Requests the unlinking until it is accepted, then asks until the product says that it is done. */
async function confirm(
  system: SupervisedProcesses,
  unlinking: Unlinking,
  index: number,
  giveUp: AbortSignal,
): Promise<void> {
  const key = randomUUID();
  let command: string | null = null;
  for (let attempt = index; !giveUp.aborted; attempt++) {
    const step: Promise<Step> =
      command === null ? request(system, unlinking, key, attempt) : ask(system, command, attempt);
    const { isDone, location } = await step.catch(() => noStep);
    command ??= location;
    if (isDone) {
      unlinking.confirmedAt = Date.now();
      unlinking.devicesThen = unlinking.phone.devices().length;
      return;
    }
    await sleep(retryMs, giveUp);
  }
}

interface Step {
  isDone: boolean;
  /** The path of the command, once the request is accepted. */
  location: string | null;
}

async function request(
  system: SupervisedProcesses,
  { kind, channelId }: Unlinking,
  key: string,
  attempt: number,
): Promise<Step> {
  const headers = { "Idempotency-Key": key, Prefer: "wait=5" };
  const path = `/channels/${channelId}`;
  const [method, url] = kind === "logout" ? ["POST", `${path}/logout`] : ["DELETE", path];
  const signal = AbortSignal.timeout(answerMs);
  const answer = await system.api(attempt).call(method ?? "", url ?? "", undefined, headers, signal);
  return { isDone: answer.status === 200, location: answer.headers.get("location") };
}

async function ask(system: SupervisedProcesses, location: string, attempt: number): Promise<Step> {
  const path = location.replace(/^\/api\/whatsapp/, "");
  const { body } = await system.api(attempt).call("GET", path, undefined, {}, AbortSignal.timeout(answerMs));
  return { isDone: String((body.payload as { state?: unknown }).state) === "succeeded", location };
}
