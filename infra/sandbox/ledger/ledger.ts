/** Records what happened to every message, socket and decryption, so that tests can check it. */

import type { Account } from "../account.ts";
import type { Companion } from "../state/state.ts";
import { type DecryptFailure, FailureLedger } from "./failures.ts";
import { IncomingLedger, type IncomingRecord } from "./incoming.ts";
import { OutgoingLedger, type OutgoingRecord } from "./outgoing.ts";
import { type Overlap, SocketLedger, type SocketRecord } from "./sockets.ts";

/** Totals for one linked device since the start. */
interface DeviceRecord {
  phoneNumber: string;
  deviceId: number;
  linkedAt: number;
  isConnected: boolean;
  /** Stanzas that are waiting for it. */
  queued: number;
  sockets: number;
  logins: number;
  /** Messages it sent, and the stanzas that carried them. */
  sent: number;
  copies: number;
  /** Messages queued for it, and how many it has confirmed. */
  received: number;
  confirmed: number;
  /** Copies of its messages that a reader could not decrypt, and copies it could not decrypt itself. */
  unreadable: number;
  couldNotRead: number;
  /** How often it was asked to send a message again, and asked for one itself. */
  retriesAsked: number;
  retriesSent: number;
  /** One-time pre-keys on the server, those handed out, and sessions started without one. */
  preKeysLeft: number;
  preKeysTaken: number;
  preKeysMissing: number;
}

/** The ledgers as tests read them. Each ledger's bound is in its own file; `forgotten` counts the records dropped. */
export interface Ledger {
  /** Messages of linked devices, per reader. */
  outgoing(): OutgoingRecord[];
  /** Messages for linked devices, per device. */
  incoming(): IncomingRecord[];
  /** Every connection, oldest first; `overlaps` are those of one device that were logged in at once. */
  sockets(): SocketRecord[];
  overlaps(): Overlap[];
  /** Copies that could not be decrypted, repaired or not; and only those that were never repaired. */
  decryptFailures(): DecryptFailure[];
  unrepairedDecryptFailures(): DecryptFailure[];
  /** The devices that are currently linked. */
  devices(): DeviceRecord[];
  forgotten(): number;
}

/** The ledgers as the sandbox writes them. */
export interface Ledgers {
  readonly outgoing: OutgoingLedger;
  readonly incoming: IncomingLedger;
  readonly failures: FailureLedger;
  readonly sockets: SocketLedger;
}

export const createLedgers = (): Ledgers => ({
  outgoing: new OutgoingLedger(),
  incoming: new IncomingLedger(),
  failures: new FailureLedger(),
  sockets: new SocketLedger(),
});

/** A person whose linked devices are totalled. */
export interface DeviceOwner extends Readonly<Pick<Account, "phoneNumber" | "devices">> {
  companion(deviceId: number): Companion | undefined;
}

/** Gives tests access to the ledgers: live records, not copies. */
export function readLedgers(ledgers: Ledgers, people: () => DeviceOwner[]): Ledger {
  const { outgoing, incoming, failures, sockets } = ledgers;
  return {
    outgoing: () => outgoing.records(),
    incoming: () => incoming.records(),
    sockets: () => sockets.records(),
    overlaps: () => sockets.overlaps(),
    decryptFailures: () => failures.records(),
    unrepairedDecryptFailures: () => failures.records().filter(({ repairedAt }) => repairedAt === null),
    devices: () => deviceRecords(ledgers, people()),
    forgotten: () => outgoing.forgotten + incoming.forgotten + failures.forgotten + sockets.forgotten,
  };
}

function deviceRecords(ledgers: Ledgers, people: DeviceOwner[]): DeviceRecord[] {
  const outgoing = byDevice(ledgers.outgoing.records(), ({ from, deviceId }) => `${from}:${deviceId}`);
  const incoming = byDevice(ledgers.incoming.records(), ({ to, deviceId }) => `${to}:${deviceId}`);
  const sockets = byDevice(
    ledgers.sockets.records(),
    ({ phoneNumber, deviceId }) => `${phoneNumber}:${deviceId}`,
  );
  const failures = ledgers.failures.records();
  return people.flatMap((person) =>
    person.devices().map(({ deviceId, linkedAt, isConnected, queued }) => {
      const { phoneNumber } = person;
      const name = `${phoneNumber}:${deviceId}`;
      const sent = outgoing.get(name) ?? [];
      const received = incoming.get(name) ?? [];
      const opened = sockets.get(name) ?? [];
      return {
        phoneNumber,
        deviceId,
        linkedAt: linkedAt.getTime(),
        isConnected,
        queued,
        sockets: opened.length,
        logins: opened.filter(({ loggedInAt }) => loggedInAt !== null).length,
        sent: sent.length,
        copies: total(sent, ({ copies }) => copies),
        received: received.length,
        confirmed: received.filter(({ confirmedAt }) => confirmedAt !== null).length,
        unreadable: failures.filter(({ from }) => from === name).length,
        couldNotRead: failures.filter(({ to }) => to === name).length,
        retriesAsked: total(sent, ({ retriesAsked }) => retriesAsked),
        retriesSent: total(received, ({ retriesAsked }) => retriesAsked),
        ...preKeys(person.companion(deviceId)),
      };
    }),
  );
}

function preKeys(companion: Companion | undefined) {
  return {
    preKeysLeft: companion?.preKeys.length ?? 0,
    preKeysTaken: companion?.preKeysTaken?.length ?? 0,
    preKeysMissing: companion?.preKeysMissing ?? 0,
  };
}

function byDevice<T>(records: T[], nameOf: (record: T) => string): Map<string, T[]> {
  return Map.groupBy(records, nameOf);
}

const total = <T>(records: T[], amount: (record: T) => number): number =>
  records.reduce((sum, record) => sum + amount(record), 0);
