/** Makes the server misbehave, on request or on a seeded schedule. */

import type { BinaryNode } from "@whiskeysockets/baileys";
import type { ReceiptTiming } from "../account.ts";
import type { Connection } from "../network/connection.ts";
import type { Forgery } from "../network/fault-rules.ts";
import { catchUp } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { removeCompanion } from "../pairing/unlink.ts";
import type { OwnDevice } from "../state/state.ts";
import { stanza } from "../wire/stanza.ts";

/** A phone number, which stands for its linked clients. */
type Target = string;
type Times = { times?: number };

/** Every way the sandbox can misbehave. No fault is active until requested; `clear` ends them all. */
export interface Faults {
  /** Cuts the TCP connections without a close frame. "all" includes sockets that have not paired. */
  drop(target: Target | "all"): void;
  /** Sends `<stream:error code>` and closes, e.g. 515, 503, 500. */
  streamError(target: Target | "all", code: number): void;
  /** Sends `<stream:error><conflict type="replaced">` and closes; the client sees 440. */
  replace(target: Target): void;
  /** Removes the phone's linked clients: 401 `device_removed` now, 401 at every later login. */
  removeDevice(target: Target): void;
  /** Answers the next `times` logins (default 1) with `<failure reason=code>` instead of `<success>`, e.g. 401, 402, 403, 405, 406, 409, 503. */
  failLogin(
    target: Target | "all",
    code: number,
    options?: Times & { attributes?: Record<string, string> },
  ): void;
  /** Answers websocket upgrades with an HTTP error and closes, `times` times or until called with null. */
  refuseUpgrade(refusal: { status: number; retryAfterSeconds?: number; times?: number } | null): void;
  /** Keeps the socket open but lets nothing through in either direction. Switching it off releases the stanzas held back, in order, as TCP does; a connection with more than 1,000 of them ends instead. */
  silence(target: Target | "all", on: boolean): void;
  /** Refuses messages with this error in their ack, and does not deliver them, `times` times or until called with null. */
  ackError(target: Target, code: number | null, options?: Times): void;
  /** Delays acks by this many milliseconds; 0 ends it. */
  ackDelay(target: Target, delayMs: number): void;
  /** Delivers messages but never acknowledges them. Switching it off does not send the withheld acks. */
  withholdAcks(target: Target, on: boolean): void;
  /** Sets when, if ever, delivery receipts for messages of this account are sent; null ends it. Overrides the contacts' own policy. */
  receipts(target: Target, timing: ReceiptTiming | null): void;
  /** Leaves the next `times` queries (default 1) of this namespace unanswered, e.g. "encrypt", "usync", "w:m"; 0 ends it. With `request`, only those whose first child has this tag, e.g. "count". */
  ignoreQuery(xmlns: string, options?: Times & { request?: string }): void;
  /** Refuses the next `times` requests (default 1) for a pairing code with this error, e.g. 400 or 429. */
  refuseCode(code: number, options?: Times): void;
  /** Does not end the next `times` connections (default 1) that paired, so that the client has to log in by itself. */
  withholdRestart(options?: Times): void;
  /** Answers the next `times` queries (default 1) of this namespace with this error instead of doing what they ask. */
  refuseQuery(xmlns: string, code: number, options?: Times): void;
  /** Makes every contact lose its sessions with the target's linked devices, and request the next message of each again. */
  forgetSessions(target: Target | "all"): void;
  /** Forges what proves an identity: of the server in later handshakes, of contacts in later key bundles, of the phone in later pairings. */
  forge(what: Forgery, on: boolean): void;
  clear(): void;
}

/** Creates the faults that act on the connections and rules of this network. */
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
    ignoreQuery: (xmlns, { times = 1, request } = {}) => rules.ignoreQuery(xmlns, times, request),
    refuseCode: (code, { times = 1 } = {}) => rules.refuseCodes(code, times),
    withholdRestart: ({ times = 1 } = {}) => rules.withholdRestarts(times),
    refuseQuery: (xmlns, code, { times = 1 } = {}) => rules.refuseQuery(xmlns, code, times),
    forgetSessions(target) {
      for (const person of network.people()) {
        for (const device of person.state.devices) forgetSessions(device, target);
      }
      network.changed();
    },
    forge: (what, on) => void (on ? rules.forgeries.add(what) : rules.forgeries.delete(what)),
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
