import { type BinaryNode, proto, unpadRandomMax16 } from "@whiskeysockets/baileys";
import { membersOf, participantAttributes } from "../groups/groups.ts";
import type { Connection } from "../network/connection.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { learnSenderKey, openFromGroup } from "../signal/sender-keys.ts";
import { decryptFrom } from "../signal/sessions.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { GroupState, OwnDevice } from "../state/state.ts";
import { child, children, contentOf, stanza, unixNow } from "../wire/stanza.ts";
import { acknowledge } from "./ack.ts";
import { reportDecryptFailure } from "./decrypt-failure.ts";
import { type EncryptedCopy, encryptedCopies, inspectCopies } from "./encrypted-copies.ts";
import { countCopy, fileMessage } from "./inbox.ts";
import { planReceipts } from "./receipts.ts";

interface Envelope {
  node: BinaryNode;
  id: string;
  group: GroupState;
  sender: LinkedClient;
}

/** The ciphertexts for one device: its own (with the sender key, or with the whole message if it requested that again), and the one shared by all. */
interface Ciphertexts {
  own: BinaryNode | undefined;
  shared: BinaryNode | undefined;
}

/** Receives a group message from a client: every device of every member gets the shared ciphertext, and its own if there is one. */
export async function receiveGroupMessage(
  network: Network,
  connection: Connection,
  group: GroupState,
  node: BinaryNode,
): Promise<void> {
  const { owner } = connection;
  if (!owner) return;
  const isMember = group.members.includes(owner.person.phoneNumber);
  const error = network.rules.takeAckError(owner.person.phoneNumber) ?? (isMember ? null : 403);
  const envelope = { node, id: node.attrs.id ?? "", group, sender: owner };
  const copies = encryptedCopies(node);
  const shared = children(node, "enc").find(({ attrs }) => attrs.type === "skmsg");
  const readers = readersOf(network, envelope, copies, shared);
  recordOutgoing(network, envelope, readers, copies, error);
  acknowledge(network, connection, node, error);
  if (error !== null) return;
  const encs = copies.map(({ enc }) => enc);
  inspectCopies(network, owner, node, shared ? [...encs, shared] : encs);
  for (const reader of readers) countCopy(reader, envelope.id, owner.person.phoneNumber);
  for (const member of readers) await deliverToMember(network, envelope, member, copies, shared);
}

/** All members; without a shared ciphertext, only those with one of their own. */
function readersOf(
  network: Network,
  { group }: Envelope,
  copies: EncryptedCopy[],
  shared: BinaryNode | undefined,
): Person[] {
  const addressed = new Set(copies.map(({ address }) => network.find(address.user, address.addressing)));
  return membersOf(network, group).filter((member) => shared !== undefined || addressed.has(member));
}

function recordOutgoing(
  network: Network,
  { id, group, sender: { person, companion } }: Envelope,
  readers: Person[],
  copies: EncryptedCopy[],
  error: number | null,
): void {
  const isResend = copies.some(({ enc }) => enc.attrs.count !== undefined);
  for (const reader of readers) {
    if (reader === person) continue;
    const parties = { from: person.phoneNumber, deviceId: companion.id, to: reader.phoneNumber };
    const key = { id, ...parties, group: group.jid };
    if (error === null) network.ledgers.outgoing.accepted(key, isResend);
    else network.ledgers.outgoing.refused(key, error);
  }
}

async function deliverToMember(
  network: Network,
  envelope: Envelope,
  member: Person,
  copies: EncryptedCopy[],
  shared: BinaryNode | undefined,
): Promise<void> {
  const own = (device: number): BinaryNode | undefined =>
    copies.find(
      ({ address }) => address.device === device && network.find(address.user, address.addressing) === member,
    )?.enc;
  for (const device of member.state.devices)
    await readOnDevice(network, envelope, member, device, { own: own(device.id), shared });
  for (const companion of member.state.companions) {
    if (companion !== envelope.sender.companion)
      forward(network, envelope, { person: member, companion }, { own: own(companion.id), shared });
  }
}

async function readOnDevice(
  network: Network,
  envelope: Envelope,
  person: Person,
  device: OwnDevice,
  ciphertexts: Ciphertexts,
): Promise<void> {
  if (!ciphertexts.own && !ciphertexts.shared) return;
  const { id, group, sender } = envelope;
  let message: proto.IMessage;
  try {
    message = await decrypt(network, envelope, person, device, ciphertexts);
  } catch (error) {
    const request = { id, addressing: group.addressing, group: group.jid };
    reportDecryptFailure(network, { person, device }, sender, request, error);
    return;
  }
  network.ledgers.failures.decrypted({ id, to: `${person.phoneNumber}:${device.id}` });
  const fromMe = person === sender.person;
  const filed = await fileMessage(network, person, {
    id,
    from: sender.person.phoneNumber,
    chat: group.jid,
    fromMe,
    to: group.jid,
    sender: sender.companion.id,
    deviceId: device.id,
    message,
  });
  if (!filed || fromMe) return;
  network.ledgers.outgoing.shown({ id, from: sender.person.phoneNumber, to: person.phoneNumber }, filed.text);
  planReceipts(network, person, filed);
}

/** Learns the sender key first, if one came along, then decrypts the shared ciphertext. If there is none, the device's own holds the message. */
async function decrypt(
  network: Network,
  { group, sender }: Envelope,
  person: Person,
  device: OwnDevice,
  { own, shared }: Ciphertexts,
): Promise<proto.IMessage> {
  const name = `${sender.person.phoneNumber}.${sender.companion.id}` as const;
  let message: proto.IMessage | null = null;
  if (own) {
    const sealed = { type: own.attrs.type ?? "", ciphertext: contentOf(own) };
    const padded = await decryptFrom(network, person, device, sender, sealed);
    const decoded = proto.Message.decode(unpadRandomMax16(padded));
    message = decoded.deviceSentMessage?.message ?? decoded;
    const { senderKeyDistributionMessage: key } = message;
    if (key) await learnSenderKey(device, group.jid, name, key);
  }
  if (!shared) return message ?? {};
  const padded = await openFromGroup(device, group.jid, name, contentOf(shared));
  network.changed();
  return proto.Message.decode(unpadRandomMax16(padded));
}

/** Forwards the ciphertexts to another linked client, unchanged. */
function forward(
  network: Network,
  envelope: Envelope,
  { companion }: LinkedClient,
  { own, shared }: Ciphertexts,
): void {
  const { node, id, group, sender } = envelope;
  const encs = [own, shared].filter((enc) => enc !== undefined);
  if (encs.length === 0) return;
  const identity = child(node, "device-identity");
  const attributes = {
    from: group.jid,
    ...participantAttributes(group, sender.person, sender.companion.id),
    id,
    t: unixNow(),
    type: node.attrs.type,
    notify: sender.person.pushName,
  };
  post(network, companion, stanza("message", attributes, identity ? [...encs, identity] : encs));
}
