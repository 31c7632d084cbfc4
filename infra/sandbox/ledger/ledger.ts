/** Records what happened to every message, socket and decryption, so that tests can check it. */

import type { Account } from "../account.ts";
import type { Companion } from "../state/state.ts";
import { type DecryptFailure, FailureLedger } from "./failures.ts";
import { IncomingLedger, type IncomingRecord } from "./incoming.ts";
import { OutgoingLedger, type OutgoingRecord } from "./outgoing.ts";
import { type Overlap, SocketLedger, type SocketRecord } from "./sockets.ts";

/** What the server knows of one linked device, added up since the start. */
interface DeviceRecord {
  phoneNumber: string;
  deviceId: number;
  linkedAt: number;
  isConnected: boolean;
  /** Stanzas that wait for it. */
  queued: number;
  sockets: number;
  logins: number;
  /** Messages it put on the wire, and stanzas of these. */
  sent: number;
  copies: number;
  /** Messages put before it, and how many it has confirmed. */
  received: number;
  confirmed: number;
  /** Copies of its messages that somebody could not read, and what it could not read itself. */
  unreadable: number;
  couldNotRead: number;
  /** How often it was asked for a message again, and asked itself. */
  retriesAsked: number;
  retriesSent: number;
  /** One-time pre-keys on the server, those handed out, and sessions begun without one. */
  preKeysLeft: number;
  preKeysTaken: number;
  preKeysMissing: number;
}

/** What each ledger may hold at most is in its own file; `forgotten` counts what no longer fits. */
export interface Ledger {
  /** Messages of linked devices, per reader. */
  outgoing(): OutgoingRecord[];
  /** Messages for linked devices, per device. */
  incoming(): IncomingRecord[];
  /** Every connection, oldest first, and those of one device that were logged in at once. */
  sockets(): SocketRecord[];
  overlaps(): Overlap[];
  /** Copies that could not be decrypted, mended or not; and those that were not. */
  decryptFailures(): DecryptFailure[];
  unrepairedDecryptFailures(): DecryptFailure[];
  /** The devices that are linked now. */
  devices(): DeviceRecord[];
  forgotten(): number;
}

/** The parts as the sandbox writes them. */
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

/** Somebody whose linked devices are added up. */
export interface DeviceOwner extends Readonly<Pick<Account, "phoneNumber" | "devices">> {
  companion(deviceId: number): Companion | undefined;
}

/** What tests read: live records, not copies. */
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
