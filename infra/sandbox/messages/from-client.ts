/** Carries each message from its sender to every device of its readers, with acks, receipts and retries. */

import { type BinaryNode, proto, unpadRandomMax16 } from "@whiskeysockets/baileys";
import type { Connection } from "../network/connection.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { decryptFrom } from "../signal/sessions.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { Companion, OwnDevice } from "../state/state.ts";
import { type DeviceAddress, jidOf, parseAddress } from "../wire/jid.ts";
import { childContent, contentOf, stanza, unixNow } from "../wire/stanza.ts";
import { acknowledge } from "./ack.ts";
import { reportDecryptFailure } from "./decrypt-failure.ts";
import { type EncryptedCopy, encryptedCopies, inspectCopies } from "./encrypted-copies.ts";
import { otherAddress } from "./from-phone.ts";
import { countCopy, fileMessage } from "./inbox.ts";
import { planReceipts } from "./receipts.ts";

/** A message as a client put it on the wire. */
interface Envelope {
  node: BinaryNode;
  id: string;
  /** The chat, as the client addressed it. */
  chat: DeviceAddress;
  sender: LinkedClient;
}

/** Receives a message from a client: acknowledges it, then delivers every copy to its device. */
export async function receiveMessage(
  network: Network,
  connection: Connection,
  node: BinaryNode,
): Promise<void> {
  const { owner } = connection;
  const chat = parseAddress(node.attrs.recipient ?? node.attrs.to);
  const id = node.attrs.id ?? "";
  if (!owner || !chat) {
    network.counts.unknownNodes += 1;
    return acknowledge(network, connection, node, 400);
  }
  const error = network.rules.takeAckError(owner.person.phoneNumber) ?? unknownLid(network, chat);
  const envelope = { node, id, chat, sender: owner };
  const copies = encryptedCopies(node);
  recordOutgoing(network, envelope, copies, error);
  acknowledge(network, connection, node, error);
  if (error !== null) return;
  inspectCopies(
    network,
    owner,
    node,
    copies.map(({ enc }) => enc),
  );
  for (const reader of readers(network, copies)) countCopy(reader, id, owner.person.phoneNumber);
  for (const copy of copies) await deliverCopy(network, envelope, copy);
}

/** Records the message in the ledger once per reader. The sender's own devices are not readers, unless it writes to itself. */
function recordOutgoing(
  network: Network,
  { node, id, chat, sender }: Envelope,
  copies: EncryptedCopy[],
  error: number | null,
): void {
  if (node.attrs.category === "peer") return;
  const { person, companion } = sender;
  const chatPerson = network.find(chat.user, chat.addressing);
  const isResend = copies.some(({ enc }) => enc.attrs.count !== undefined);
  for (const reader of new Set([...readers(network, copies), ...(chatPerson ? [chatPerson] : [])])) {
    if (reader === person && chatPerson !== person) continue;
    const key = { id, from: person.phoneNumber, deviceId: companion.id, to: reader.phoneNumber, group: null };
    if (error === null) network.ledgers.outgoing.accepted(key, isResend);
    else network.ledgers.outgoing.refused(key, error);
  }
}

/** 404 for a LID that belongs to no one, otherwise null; every number exists. */
function unknownLid(network: Network, { user, addressing }: DeviceAddress): number | null {
  return addressing === "lid" && !network.find(user, "lid") ? 404 : null;
}

function readers(network: Network, copies: EncryptedCopy[]): Set<Person> {
  const people = copies.map(({ address }) => network.find(address.user, address.addressing));
  return new Set(people.filter((person) => person !== null));
}

async function deliverCopy(
  network: Network,
  envelope: Envelope,
  { address, enc }: EncryptedCopy,
): Promise<void> {
  const person = network.find(address.user, address.addressing);
  const device = person?.device(address.device);
  if (person && device) return decryptCopy(network, envelope, person, device, enc);
  const companion = person?.companion(address.device);
  if (person && companion) forward(network, envelope, person, companion, { address, enc });
}

/** Decrypts a copy on a device in the sandbox. If that fails, the device requests it again. */
async function decryptCopy(
  network: Network,
  envelope: Envelope,
  person: Person,
  device: OwnDevice,
  enc: BinaryNode,
): Promise<void> {
  const { id, sender, chat } = envelope;
  let message: proto.IMessage;
  try {
    const sealed = { type: enc.attrs.type ?? "", ciphertext: contentOf(enc) };
    const padded = await decryptFrom(network, person, device, sender, sealed);
    message = proto.Message.decode(unpadRandomMax16(padded));
  } catch (error) {
    const recipient = person === sender.person ? chatJid(network, chat) : null;
    const request = { id, addressing: chat.addressing, ...(recipient === null ? {} : { recipient }) };
    reportDecryptFailure(network, { person, device }, sender, request, error);
    return;
  }
  network.ledgers.failures.decrypted({ id, to: `${person.phoneNumber}:${device.id}` });
  if (envelope.node.attrs.category === "peer") return;
  await fileDecrypted(network, envelope, person, device, message);
}

function chatJid(network: Network, chat: DeviceAddress): string | null {
  const person = network.find(chat.user, chat.addressing);
  return person && jidOf(person.state, chat.addressing);
}

async function fileDecrypted(
  network: Network,
  { id, sender, chat }: Envelope,
  person: Person,
  device: OwnDevice,
  message: proto.IMessage,
): Promise<void> {
  const fromMe = person === sender.person;
  const chatPerson = network.find(chat.user, chat.addressing);
  const filed = await fileMessage(network, person, {
    id,
    from: sender.person.phoneNumber,
    chat: fromMe ? (chatPerson?.phoneNumber ?? chat.user) : sender.person.phoneNumber,
    fromMe,
    to: jidOf(person.state, chat.addressing),
    sender: sender.companion.id,
    deviceId: device.id,
    message: message.deviceSentMessage?.message ?? message,
  });
  const isToSelf = fromMe && chatPerson === person;
  if (filed && (!fromMe || isToSelf)) {
    const key = { id, from: sender.person.phoneNumber, to: person.phoneNumber };
    network.ledgers.outgoing.shown(key, filed.text);
  }
  if (filed && !fromMe) planReceipts(network, person, filed);
}

/** Forwards a copy to another linked client, unchanged. */
function forward(
  network: Network,
  envelope: Envelope,
  person: Person,
  companion: Companion,
  copy: EncryptedCopy,
): void {
  const { sender, chat, id, node } = envelope;
  const isOwn = person === sender.person;
  const chatPerson = network.find(chat.user, chat.addressing);
  const { addressing } = copy.address;
  const attributes = {
    from: jidOf(sender.person.state, addressing, sender.companion.id),
    id,
    t: unixNow(),
    type: node.attrs.type,
    category: node.attrs.category,
    notify: sender.person.pushName,
    ...(isOwn && chatPerson ? { recipient: jidOf(chatPerson.state, chat.addressing) } : {}),
    ...otherAddress(isOwn && chatPerson ? chatPerson : sender.person, addressing, isOwn),
  };
  const identity = childContent(node, "device-identity");
  const identityNodes = identity.length > 0 ? [stanza("device-identity", {}, identity)] : [];
  post(network, companion, stanza("message", attributes, [copy.enc, ...identityNodes]));
}
