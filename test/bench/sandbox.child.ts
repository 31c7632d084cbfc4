/** Runs the sandbox for a benchmark, and notes when each message passed its end of the wire. */

import { IncomingLedger } from "#infra/sandbox/ledger/incoming.ts";
import { OutgoingLedger } from "#infra/sandbox/ledger/outgoing.ts";
import { startSandbox } from "#infra/sandbox/sandbox.ts";
import { offer } from "./calls.ts";
import { nowMs } from "./clock.ts";

/** The ledgers count in whole milliseconds, half of what bare Baileys needs. */
const sent = new Map<string, number>();
const delivered = new Map<string, number>();
const unconfirmed = new Set<string>();

const { accepted } = OutgoingLedger.prototype;
OutgoingLedger.prototype.accepted = function (key, isResend) {
  if (!sent.has(key.id)) sent.set(key.id, nowMs());
  accepted.call(this, key, isResend);
};
const { delivered: deliver, receiptReceived } = IncomingLedger.prototype;
IncomingLedger.prototype.delivered = function (key) {
  if (!delivered.has(key.id)) {
    delivered.set(key.id, nowMs());
    unconfirmed.add(key.id);
  }
  deliver.call(this, key);
};
IncomingLedger.prototype.receiptReceived = function (key, type) {
  if (type !== "retry") unconfirmed.delete(key.id);
  receiptReceived.call(this, key, type);
};

/** As many for each channel, however many channels there are: a channel keeps two rows for each person it knows of. */
const addressBook = 50;
const sandbox = await startSandbox({ addressBook });

function taken(times: Map<string, number>): [id: string, atMs: number][] {
  const all = [...times];
  times.clear();
  return all;
}

const offers = {
  environment: () => ({ websocketUrl: sandbox.websocketUrl, rootKey: sandbox.rootKey }),
  async scan(phoneNumber: string, qr: string) {
    const atMs = nowMs();
    await sandbox.account(phoneNumber).scan(qr);
    return atMs;
  },
  /** When each message from a channel arrived, since the last call. */
  takeSent: () => taken(sent),
  /** When each message to a channel left, since the last call. */
  takeDelivered: () => taken(delivered),
  unconfirmed: () => unconfirmed.size,
  async sendText(from: string, to: string, text: string) {
    return (await sandbox.account(from).sendText(to, text)).id;
  },
  /** Each contact sends its texts in order; all contacts at once. */
  async flood(contacts: string[], to: string, each: number) {
    await Promise.all(
      contacts.map(async (contact) => {
        const person = sandbox.account(contact);
        for (let index = 0; index < each; index++) await person.sendText(to, `${contact} ${index}`);
      }),
    );
  },
  /** How many of these numbers have a client that is connected. */
  connected: (phoneNumbers: string[]) =>
    phoneNumbers.filter((one) =>
      sandbox
        .account(one)
        .devices()
        .some(({ isConnected }) => isConnected),
    ).length,
};
export type SandboxOffers = typeof offers;

offer(offers);
process.once("disconnect", () => process.exit());
process.send?.("ready");
