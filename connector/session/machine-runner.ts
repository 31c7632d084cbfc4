import type { ChannelDocument } from "#shared/collections.ts";
import type { LastDisconnect } from "#shared/events.ts";
import { type Condition, createCondition } from "../concurrency/condition.ts";
import { createSerialQueue } from "../concurrency/serial-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import { connectionUpdate } from "../machine/connection-update.ts";
import {
  type Effect,
  type MachineLimits,
  type MachineState,
  publicStatus,
  type Signal,
  type World,
} from "../machine/machine.ts";
import { step } from "../machine/transition-table.ts";
import type { SessionScope } from "../session-scope.ts";
import type { ChannelStore } from "./channel-store.ts";
import type { LinkedAccount } from "./linked-account.ts";

/** Runs a channel's machine: one signal after the other, each step stored, published and carried out. */
export interface MachineRunner extends Pick<Condition<MachineState>, "until"> {
  machine(): MachineState;
  /** How the last connection ended; null if none has. */
  lastDisconnect(): LastDisconnect | null;
  /** Stores and publishes the initial state. */
  announce(): Promise<void>;
  /**
   * Resolves when the step is stored and its effects have started, to the machine as it was then: the next step may have begun.
   * Errors fail the session. Drops a signal that is no longer current when its turn comes.
   */
  dispatch(signal: Signal, isCurrent?: () => boolean): Promise<MachineState>;
}

export interface MachineRunnerOptions {
  initial: MachineState;
  lastDisconnect: LastDisconnect | null;
  /** Whether the document still shows a code of the former owner, which died with its socket. */
  hasFormerCode?: boolean;
  channelStore: Pick<ChannelStore, "saveStep" | "setWish">;
  events: Pick<EventLog, "publish">;
  /** Called when a pairing code no longer works, before that is stored. */
  forgetCode(): Promise<void>;
  /** Must not wait for a later signal. `saved` resolves when the step that wants the effect is stored. */
  perform(effect: Effect, saved?: Promise<void>): Promise<void>;
  isLinked(): boolean;
  /** Stored with the step of a login. */
  account: Pick<LinkedAccount, "linked" | "accept" | "isWrongAccount">;
  limits: MachineLimits;
  /** Called after every step. */
  onChange(machine: MachineState): void;
}

/** Effects that must be done before the stored status says so. */
const effectsBeforeStatus: readonly Effect["type"][] = ["cancel_retry", "close_socket", "erase_credentials"];

export function createMachineRunner(
  { fail, log, now }: Pick<SessionScope, "fail" | "log" | "now">,
  options: MachineRunnerOptions,
): MachineRunner {
  const { channelStore, events, perform, limits, onChange } = options;
  const steps = createSerialQueue(fail);
  const condition = createCondition(() => machine);
  let machine = options.initial;
  let lastDisconnect = options.lastDisconnect;
  let hasFormerCode = options.hasFormerCode ?? false;

  const worldOf = ({ method }: MachineState): World => ({
    now: now(),
    random: Math.random(),
    isLinked: options.isLinked(),
    isWrongAccount: options.account.isWrongAccount(method),
    limits,
  });
  const publish = () => events.publish("connection_update", connectionUpdate(machine, lastDisconnect));
  const apply = async (signal: Signal) => {
    const before = machine;
    const world = worldOf(before);
    const { machine: after, effects } = step(before, signal, world);
    if (after === before && effects.length === 0) {
      if (isWish(signal)) await channelStore.setWish("connected");
      return;
    }
    if (signal.type === "closed") lastDisconnect = disconnectOf(signal, world.now);
    for (const effect of effects.filter(isBeforeStatus)) await perform(effect);
    machine = after;
    const isCodeNew = before.code !== after.code || hasFormerCode;
    const store = async () => {
      if (isCodeNew && before.code?.kind === "code") await options.forgetCode();
      const account = isAccountNew(effects) ? options.account.linked() : null;
      const also = { ...wishOf(signal, effects), ...(account && { account }) };
      await channelStore.saveStep({ machine, lastDisconnect, isCodeNew, ...also });
      hasFormerCode = false;
      if (account) options.account.accept(account);
    };
    const publishChange = async () => {
      if (!isVisible(before, after)) return;
      const change = { before: before.state, state: after.state, reason: after.reason };
      log.info({ event: "connection", ...change, ...closeCodeOf(signal) }, "connection");
      await publish();
    };
    // Dials meanwhile, although a newer owner may refuse the save: no frame leaves before it. What the socket reports is a later step.
    const saved = store();
    const published = saved.then(publishChange);
    await Promise.all([published, ...effects.filter(isBesideStatus).map((effect) => perform(effect, saved))]);
    for (const effect of effects.filter(isAfterStatus)) await perform(effect);
    onChange(machine);
    condition.changed();
  };

  return {
    machine: () => machine,
    lastDisconnect: () => lastDisconnect,
    until: condition.until,
    announce() {
      steps.push(async () => {
        await channelStore.saveStep({ machine, lastDisconnect, isCodeNew: true, wanted: "disconnected" });
        await publish();
      });
      return steps.idle();
    },
    dispatch(signal, isCurrent = () => true) {
      let after = machine;
      steps.push(async () => {
        if (isCurrent()) await apply(signal);
        after = machine;
      });
      return steps.idle().then(() => after);
    },
  };
}

function isBeforeStatus({ type }: Effect): boolean {
  return effectsBeforeStatus.includes(type);
}

function isBesideStatus({ type }: Effect): boolean {
  return type === "open_socket";
}

function isAfterStatus(effect: Effect): boolean {
  return !isBeforeStatus(effect) && !isBesideStatus(effect);
}

function isAccountNew(effects: readonly Effect[]): boolean {
  return effects.some(({ type }) => type === "remember_account");
}

function isWish(signal: Signal): boolean {
  return signal.type === "start" && signal.isWish === true;
}

function wishOf(signal: Signal, effects: Effect[]): { wanted?: ChannelDocument["wanted"] } {
  if (isWish(signal)) return { wanted: "connected" };
  return effects.some(({ type }) => type === "drop_wish") ? { wanted: "disconnected" } : {};
}

/** Whether callers see a difference. */
function isVisible(before: MachineState, after: MachineState): boolean {
  return (
    publicStatus(before) !== publicStatus(after) ||
    before.reason !== after.reason ||
    before.retryAt !== after.retryAt
  );
}

function disconnectOf({ reason, code }: Extract<Signal, { type: "closed" }>, now: number): LastDisconnect {
  return { code, reason: reason.kind, at: new Date(now).toISOString() };
}

/** Not logged as `code`, which would read as a pairing code: the log never shows one. */
function closeCodeOf(signal: Signal): { closeCode?: number } {
  return signal.type === "closed" && signal.code !== null ? { closeCode: signal.code } : {};
}
