/** Makes the server misbehave, on request or on a seeded schedule. */

import type { BinaryNode } from "@whiskeysockets/baileys";
import type { ReceiptTiming } from "../account.ts";
import type { Connection } from "../network/connection.ts";
import { catchUp } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { removeCompanion } from "../pairing/unlink.ts";
import type { OwnDevice } from "../state/state.ts";
import { stanza } from "../wire/stanza.ts";

/** A phone number (its linked clients), or everybody. */
type Target = string;
type Times = { times?: number };

/** Every way the sandbox can misbehave. Nothing is broken until it is asked for; `clear` mends everything. */
export interface Faults {
  /** Cuts the TCP connections, no close frame. "all" includes sockets that have not paired. */
  drop(target: Target | "all"): void;
  /** `<stream:error code>` and close, e.g. 515, 503, 500. */
  streamError(target: Target | "all", code: number): void;
  /** `<stream:error><conflict type="replaced">`: 440 at the client. */
  replace(target: Target): void;
  /** The phone removes its linked clients: 401 `device_removed` now, 401 at every later login. */
  removeDevice(target: Target): void;
  /** `<failure reason=code>` instead of `<success>`, for so many logins (default 1), e.g. 401, 402, 403, 405, 406, 409, 503. */
  failLogin(
    target: Target | "all",
    code: number,
    options?: Times & { attributes?: Record<string, string> },
  ): void;
  /** Answers websocket upgrades with an HTTP error and closes, until null or so many times. */
  refuseUpgrade(refusal: { status: number; retryAfterSeconds?: number; times?: number } | null): void;
  /** The socket stays open, but nothing gets through in either direction. Switching off lets through what was held up, in order, as TCP does; a connection with more than 1,000 stanzas held up ends instead. */
  silence(target: Target | "all", on: boolean): void;
  /** Messages are refused with this error in their ack (and not delivered), for so many messages (default: until null). */
  ackError(target: Target, code: number | null, options?: Times): void;
  /** Delays acks by milliseconds; 0 mends. */
  ackDelay(target: Target, delayMs: number): void;
  /** Messages are delivered but never acknowledged. Switching off does not make up for the lost ones. */
  withholdAcks(target: Target, on: boolean): void;
  /** Delivery receipts for messages of this account: when, or never; null mends. Overrides the contacts' own policy. */
  receipts(target: Target, timing: ReceiptTiming | null): void;
  /** The next so many queries (default 1) of this namespace stay unanswered, e.g. "encrypt", "usync", "w:m". */
  ignoreQuery(xmlns: string, options?: Times): void;
  /** Every contact loses its sessions with the target's linked devices, and asks for the next message of each again. */
  forgetSessions(target: Target | "all"): void;
  clear(): void;
}

/** The faults of this network, acting on its connections and rules. */
export function createFaults(network: Network): Faults {
  const { rules } = network;
  const each = (target: string, act: (connection: Connection) => void): void => {
    for (const connection of targetsOf(network, target)) act(connection);
  };
  return {
    drop: (target) => each(target, (connection) => connection.drop("drop")),
    streamError: (target, code) =>
      each(target, (connection) => connection.end(stanza("stream:error", { code }))),
    replace: (target) => each(target, (connection) => connection.end(replaced())),
    removeDevice(target) {
      const person = network.find(target, "pn");
      for (const companion of person?.state.companions ?? []) {
        if (person) network.background(() => removeCompanion(network, person, companion));
      }
    },
    failLogin: (target, code, { times = 1, attributes = {} } = {}) =>
      rules.failLogin(target, code, attributes, times),
    refuseUpgrade: (refusal) => rules.refuseUpgrades(refusal, refusal?.times ?? Number.POSITIVE_INFINITY),
    silence(target, on) {
      if (on) rules.silent.add(target);
      else rules.silent.delete(target);
      applySilence(network);
    },
    ackError: (target, code, { times = Number.POSITIVE_INFINITY } = {}) =>
      rules.setAckError(target, code, times),
    ackDelay: (target, delayMs) => void rules.ackDelays.set(target, delayMs),
    withholdAcks: (target, on) =>
      void (on ? rules.withheldAcks.add(target) : rules.withheldAcks.delete(target)),
    receipts: (target, timing) =>
      void (timing === null ? rules.receiptTimings.delete(target) : rules.receiptTimings.set(target, timing)),
    ignoreQuery: (xmlns, { times = 1 } = {}) => rules.ignoreQuery(xmlns, times),
    forgetSessions(target) {
      for (const person of network.people()) {
        for (const device of person.state.devices) forgetSessions(device, target);
      }
      network.changed();
    },
    clear() {
      rules.clear();
      applySilence(network);
    },
  };
}

function forgetSessions(device: OwnDevice, target: string): void {
  for (const name of Object.keys(device.sessions)) {
    if (target !== "all" && !name.startsWith(`${target}.`)) continue;
    delete device.sessions[name];
    if (!device.forgotten.includes(name)) device.forgotten.push(name);
  }
}

const replaced = (): BinaryNode => stanza("stream:error", {}, [stanza("conflict", { type: "replaced" })]);

function targetsOf(network: Network, target: string): Connection[] {
  return [...network.connections].filter(({ claimed }) => target === "all" || claimed === target);
}

function applySilence(network: Network): void {
  for (const connection of network.connections) {
    connection.silence(network.rules.isSilent(connection.claimed));
    catchUp(network, connection);
  }
}
