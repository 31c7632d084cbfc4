import type { ChannelDocument } from "#shared/collections.ts";
import type { LastDisconnect } from "#shared/events.ts";
import type { Logger } from "#shared/log.ts";
import { createSerialQueue } from "../concurrency/serial-queue.ts";
import type { EventLog } from "../events/event-log.ts";
import { connectionUpdate } from "../machine/connection-update.ts";
import {
  type Effect,
  type MachineLimits,
  type MachineState,
  type PairingMethod,
  publicStatus,
  type Signal,
  type World,
} from "../machine/machine.ts";
import { step } from "../machine/transition-table.ts";
import type { ChannelStore } from "./channel-store.ts";

/** Runs a channel's machine: one signal after the other, each step written down and carried out. */
export interface MachineRunner {
  machine(): MachineState;
  /** Writes down and tells where the machine begins. */
  announce(): Promise<void>;
  /**
   * Resolves when the step is written and its effects were started. Errors go to `onError`. A signal that is not current
   * any more when its turn comes is dropped.
   */
  dispatch(signal: Signal, isCurrent?: () => boolean): Promise<void>;
  /** Resolves with the machine as soon as `test` holds; null when it did not within `ms`. */
  until(test: (machine: MachineState) => boolean, ms: number): Promise<MachineState | null>;
}

export interface MachineRunnerOptions {
  initial: MachineState;
  lastDisconnect: LastDisconnect | null;
  channelStore: Pick<ChannelStore, "saveStep">;
  events: Pick<EventLog, "publish">;
  /** Must not wait for a later signal. */
  perform(effect: Effect): Promise<void>;
  isLinked(): boolean;
  /** Whether the linked account is another than the caller named. */
  isWrongAccount(method: PairingMethod): boolean;
  limits: MachineLimits;
  /** Called after every step. */
  onChange(machine: MachineState): void;
  onError(error: unknown): void;
  log: Logger;
}

/** What must be true before the status says so. */
const first: readonly Effect["type"][] = [
  "cancel_retry",
  "close_socket",
  "unlink_device",
  "erase_credentials",
  "remember_account",
];

export function createMachineRunner(options: MachineRunnerOptions): MachineRunner {
  const { channelStore, events, perform, limits, onChange, log } = options;
  const chain = createSerialQueue(options.onError);
  const waiters = new Set<() => void>();
  let machine = options.initial;
  let lastDisconnect = options.lastDisconnect;

  const worldOf = ({ method }: MachineState): World => ({
    now: Date.now(),
    random: Math.random(),
    isLinked: options.isLinked(),
    isWrongAccount: options.isWrongAccount(method),
    limits,
  });
  const apply = async (signal: Signal) => {
    const before = machine;
    const world = worldOf(before);
    const { machine: after, effects } = step(before, signal, world);
    if (after === before && effects.length === 0) return;
    if (signal.type === "closed") lastDisconnect = disconnectOf(signal, world.now);
    for (const effect of effects.filter(({ type }) => first.includes(type))) await perform(effect);
    machine = after;
    await channelStore.saveStep({
      machine,
      lastDisconnect,
      isCodeNew: before.code !== after.code,
      ...wishOf(effects),
    });
    if (isAnnounced(before, after)) {
      log.info(
        {
          event: "connection",
          before: before.state,
          state: after.state,
          reason: after.reason,
          ...closeCodeOf(signal),
        },
        "connection",
      );
      await events.publish("connection_update", connectionUpdate(machine, lastDisconnect));
    }
    for (const effect of effects.filter(({ type }) => !first.includes(type))) await perform(effect);
    onChange(machine);
    for (const wake of [...waiters]) wake();
  };

  return {
    machine: () => machine,
    announce() {
      chain.push(async () => {
        await channelStore.saveStep({ machine, lastDisconnect, isCodeNew: true, wanted: "disconnected" });
        await events.publish("connection_update", connectionUpdate(machine, lastDisconnect));
      });
      return chain.idle();
    },
    dispatch(signal, isCurrent = () => true) {
      chain.push(async () => {
        if (isCurrent()) await apply(signal);
      });
      return chain.idle();
    },
    until(test, ms) {
      return new Promise((resolve) => {
        const settle = (result: MachineState | null) => {
          clearTimeout(timer);
          waiters.delete(look);
          resolve(result);
        };
        const look = () => {
          if (test(machine)) settle(machine);
        };
        const timer = setTimeout(() => settle(null), ms);
        waiters.add(look);
        look();
      });
    },
  };
}

function wishOf(effects: Effect[]): { wanted?: ChannelDocument["wanted"] } {
  return effects.some(({ type }) => type === "drop_wish") ? { wanted: "disconnected" } : {};
}

function isAnnounced(before: MachineState, after: MachineState): boolean {
  return (
    publicStatus(before) !== publicStatus(after) ||
    before.reason !== after.reason ||
    before.retryAt !== after.retryAt
  );
}

function disconnectOf({ reason, code }: Extract<Signal, { type: "closed" }>, now: number): LastDisconnect {
  return { code, reason: reason.kind, at: new Date(now).toISOString() };
}

/** `code` alone would be taken for a pairing code, which the log never shows. */
function closeCodeOf(signal: Signal): { closeCode?: number } {
  return signal.type === "closed" && signal.code !== null ? { closeCode: signal.code } : {};
}
