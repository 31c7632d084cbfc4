import { encodeWAMessage, proto } from "@whiskeysockets/baileys";
import { membersOf, participantAttributes } from "../groups/groups.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { ownSenderKey, sealForGroup } from "../signal/sender-keys.ts";
import { encryptFor } from "../signal/sessions.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { GroupState, SentMessage } from "../state/state.ts";
import { stanza } from "../wire/stanza.ts";
import { fileMessage } from "./inbox.ts";
import { messageType } from "./message-type.ts";

/** Sends a message written on a person's phone to a group: encrypted once for all, with the phone's sender key beside it for every client that lacks it. */
export async function sendToGroup(
  network: Network,
  person: Person,
  group: GroupState,
  sent: SentMessage,
): Promise<void> {
  if (!group.members.includes(person.phoneNumber))
    throw new Error(`${person.phoneNumber} is not in the group`);
  const message = proto.Message.decode(sent.bytes);
  const { phone } = person;
  const name = `${person.phoneNumber}.0` as const;
  const senderKey = await ownSenderKey(phone, group.jid, name);
  const sealed = await sealForGroup(phone, group.jid, name, encodeWAMessage(message));
  const shared = stanza("enc", { v: 2, type: "skmsg" }, Buffer.from(sealed));
  const holders = phone.senderKeyHolders?.[group.jid] ?? [];
  const peers = peersOf(network, group);
  const fresh = peers.filter((peer) => !holders.includes(nameOf(peer)));
  phone.senderKeyHolders = { ...phone.senderKeyHolders, [group.jid]: peers.map(nameOf) };
  for (const peer of peers) {
    const key = { senderKeyDistributionMessage: senderKey };
    const own = fresh.includes(peer)
      ? [await encryptFor(network, person, phone, peer, encodeWAMessage(key))]
      : [];
    post(network, peer.companion, stanza("message", attributesOf(group, person, sent), [...own, shared]));
  }
  for (const member of membersOf(network, group)) {
    if (member !== person) await fileOnPhone(network, person, member, group, sent, message);
  }
}

/** Resends a group message to one client that could not decrypt it, together with the sender key. */
export async function resendToGroup(
  network: Network,
  person: Person,
  group: GroupState,
  sent: SentMessage,
  peer: LinkedClient,
  count: number,
): Promise<void> {
  const senderKeyDistributionMessage = await ownSenderKey(person.phone, group.jid, `${person.phoneNumber}.0`);
  const message = { ...proto.Message.decode(sent.bytes), senderKeyDistributionMessage };
  const enc = await encryptFor(network, person, person.phone, peer, encodeWAMessage(message));
  enc.attrs.count = String(count);
  post(network, peer.companion, stanza("message", attributesOf(group, person, sent), [enc]));
}

function attributesOf(group: GroupState, person: Person, sent: SentMessage) {
  return {
    from: group.jid,
    ...participantAttributes(group, person),
    id: sent.id,
    t: sent.at,
    type: messageType(proto.Message.decode(sent.bytes)),
    notify: sent.pushName,
  };
}

const peersOf = (network: Network, group: GroupState): LinkedClient[] =>
  membersOf(network, group).flatMap((person) =>
    person.state.companions.map((companion) => ({ person, companion })),
  );

const nameOf = ({ person, companion }: LinkedClient): string => `${person.phoneNumber}.${companion.id}`;

async function fileOnPhone(
  network: Network,
  sender: Person,
  reader: Person,
  group: GroupState,
  sent: SentMessage,
  message: proto.IMessage,
): Promise<void> {
  await fileMessage(network, reader, {
    id: sent.id,
    from: sender.phoneNumber,
    chat: group.jid,
    fromMe: false,
    to: group.jid,
    sender: 0,
    deviceId: 0,
    message,
  });
}
