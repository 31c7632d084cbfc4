/** Simulates the people behind the phone numbers: they link clients, send messages and wait for replies. */

import type { BinaryNode, proto } from "@whiskeysockets/baileys";
import type {
  Account,
  Addressing,
  LinkedDevice,
  MediaContent,
  ReceivedMessage,
  ReceivedReceipt,
  SendOptions,
  StanzaOptions,
  WaitOptions,
} from "../account.ts";
import { addMember, createGroup, groupOf, removeMember } from "../groups/groups.ts";
import { sealMedia } from "../media/attachments.ts";
import { sendAnyStanza } from "../messages/any-stanza.ts";
import { sendFromPhone } from "../messages/from-phone.ts";
import { findMessage, toReceived } from "../messages/inbox.ts";
import { sendReceipt } from "../messages/receipts.ts";
import { type RetryRequest, requestRetry } from "../messages/retries.ts";
import { connectionOf, type Network } from "../network/network.ts";
import { typeCode } from "../pairing/code.ts";
import { notifyDeviceChange } from "../pairing/device-notification.ts";
import { scanQr } from "../pairing/qr.ts";
import { removeCompanion } from "../pairing/unlink.ts";
import type { Person } from "../state/person.ts";
import type { Companion, GroupState, OwnDevice, PersonState, StoredMessage } from "../state/state.ts";
import { jidOf, lidFor } from "../wire/jid.ts";
import { Arrivals } from "./arrivals.ts";
import { createOwnDevice } from "./own-device.ts";

const receiptsMax = 1_000;

/** The state of a new person: a phone with a fresh identity. */
export function newPersonState(phoneNumber: string): PersonState {
  return {
    phoneNumber,
    lid: lidFor(phoneNumber),
    pushName: `Person ${phoneNumber.slice(-4)}`,
    nextDeviceId: 1,
    devices: [createOwnDevice(0)],
    companions: [],
    appState: null,
    sent: [],
    inbox: [],
    receipts: [],
  };
}

/** A simulated person; what they remember across a restart is in `state`. */
export class SimulatedPerson implements Account, Person {
  readonly state: PersonState;
  receiptPolicy: Account["receiptPolicy"] = { delivered: "auto", read: "never" };
  readonly #network: Network;
  readonly #messages = new Arrivals<ReceivedMessage>("message");
  readonly #receipts = new Arrivals<ReceivedReceipt>("receipt");
  #sending: Promise<unknown> = Promise.resolve();

  constructor(network: Network, state: PersonState) {
    this.#network = network;
    this.state = state;
  }

  get phoneNumber(): string {
    return this.state.phoneNumber;
  }

  get lid(): string {
    return jidOf(this.state, "lid");
  }

  get pushName(): string {
    return this.state.pushName;
  }

  set pushName(name: string) {
    this.state.pushName = name;
    this.#network.changed();
  }

  get phone(): OwnDevice {
    const [phone] = this.state.devices;
    if (!phone) throw new Error("this person has no phone");
    return phone;
  }

  device(id: number): OwnDevice | undefined {
    return this.state.devices.find((device) => device.id === id);
  }

  companion(id: number): Companion | undefined {
    return this.state.companions.find((companion) => companion.id === id);
  }

  devices(): LinkedDevice[] {
    return this.state.companions.map((companion) => this.#linked(companion));
  }

  async scan(qrText: string): Promise<LinkedDevice> {
    return this.#linked(await scanQr(this.#network, this, qrText));
  }

  async typeCode(code: string): Promise<LinkedDevice> {
    return this.#linked(await typeCode(this.#network, this, code));
  }

  async unlink(deviceId?: number): Promise<void> {
    for (const companion of [...this.state.companions]) {
      if (deviceId === undefined || companion.id === deviceId)
        await removeCompanion(this.#network, this, companion);
    }
  }

  sendText(to: string, text: string, options?: SendOptions): Promise<{ id: string }> {
    return this.sendMessage(to, { conversation: text }, options);
  }

  async sendMedia(to: string, media: MediaContent, options?: SendOptions): Promise<{ id: string }> {
    return this.sendMessage(to, await sealMedia(this.#network.media, media), options);
  }

  /** Sends one message at a time, so that messages arrive in the order they were written. */
  sendMessage(to: string, message: proto.IMessage, options: SendOptions = {}): Promise<{ id: string }> {
    const sent = this.#sending.then(() => sendFromPhone(this.#network, this, to, message, options));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  sendStanza(to: string, stanza: BinaryNode, options: StanzaOptions = {}): Promise<void> {
    const sent = this.#sending.then(() => sendAnyStanza(this.#network, this, to, stanza, options));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  get inbox(): ReceivedMessage[] {
    return this.state.inbox.map(toReceived);
  }

  waitForMessage(
    predicate: (message: ReceivedMessage) => boolean = ({ fromMe }) => !fromMe,
    options?: WaitOptions,
  ): Promise<ReceivedMessage> {
    return this.#messages.wait(this.inbox, predicate, options);
  }

  get receipts(): ReceivedReceipt[] {
    return this.state.receipts.map((receipt) => ({ ...receipt, at: new Date(receipt.at) }));
  }

  waitForReceipt(
    predicate: (receipt: ReceivedReceipt) => boolean,
    options?: WaitOptions,
  ): Promise<ReceivedReceipt> {
    return this.#receipts.wait(this.receipts, predicate, options);
  }

  markRead(messageId: string): void {
    const message = findMessage(this, messageId);
    if (!message) throw new Error(`${this.phoneNumber} has no message ${messageId}`);
    sendReceipt(this.#network, this, message, "read");
  }

  addDevice(): number {
    const device = createOwnDevice(this.state.nextDeviceId++);
    this.state.devices.push(device);
    notifyDeviceChange(this.#network, this, "add", device.id);
    this.#network.changed();
    return device.id;
  }

  removeDevice(deviceId: number): void {
    if (deviceId === 0) throw new Error("a person's phone cannot be removed");
    this.state.devices = this.state.devices.filter(({ id }) => id !== deviceId);
    notifyDeviceChange(this.#network, this, "remove", deviceId);
    this.#network.changed();
  }

  createGroup(subject: string, members: readonly string[], addressing: Addressing = "lid"): { id: string } {
    return { id: createGroup(this.#network, this, subject, members, addressing).jid };
  }

  addToGroup(groupId: string, phoneNumber: string): void {
    addMember(this.#network, this.#group(groupId), this, phoneNumber);
  }

  removeFromGroup(groupId: string, phoneNumber: string): void {
    removeMember(this.#network, this.#group(groupId), this, phoneNumber);
  }

  #group(groupId: string): GroupState {
    const group = groupOf(this.#network, groupId);
    if (!group?.members.includes(this.phoneNumber))
      throw new Error(`${this.phoneNumber} is not in group ${groupId}`);
    return group;
  }

  forgetSessions(deviceId?: number): void {
    for (const device of this.state.devices) {
      if (deviceId !== undefined && device.id !== deviceId) continue;
      device.forgotten = [...new Set([...device.forgotten, ...Object.keys(device.sessions)])];
      device.sessions = {};
      device.senderKeys = {};
      device.senderKeyHolders = {};
    }
    this.#network.changed();
  }

  async askRetry(messageId: string, deviceId = 0): Promise<void> {
    const message = findMessage(this, messageId);
    if (!message) throw new Error(`${this.phoneNumber} has no message ${messageId}`);
    const device = this.device(deviceId);
    if (!device) throw new Error(`${this.phoneNumber} has no device ${deviceId}`);
    requestRetry(this.#network, this, device, { ...message, ...this.#chatAddress(message) });
  }

  onMessage(message: ReceivedMessage): void {
    this.#messages.add(message);
  }

  onReceipt(receipt: Omit<ReceivedReceipt, "at">): void {
    const at = new Date();
    this.state.receipts = [...this.state.receipts, { ...receipt, at: at.getTime() }].slice(-receiptsMax);
    this.#network.changed();
    this.#receipts.add({ ...receipt, at });
  }

  /** How the chat of a message was addressed, for a retry request. */
  #chatAddress({
    to,
    chat,
    fromMe,
  }: StoredMessage): Pick<RetryRequest, "addressing" | "recipient" | "group"> {
    const group = groupOf(this.#network, to);
    if (group) return { addressing: group.addressing, group: group.jid };
    const addressing = to.endsWith("@lid") ? "lid" : "pn";
    if (!fromMe) return { addressing };
    return { addressing, recipient: jidOf(this.#network.person(chat).state, addressing) };
  }

  #linked(companion: Companion): LinkedDevice {
    return {
      deviceId: companion.id,
      jid: jidOf(this.state, "pn", companion.id),
      lid: jidOf(this.state, "lid", companion.id),
      platform: companion.platform,
      linkedAt: new Date(companion.linkedAt),
      isConnected: connectionOf(this.#network, companion) !== null,
      queued: companion.queue.length,
    };
  }
}
