import { encodeWAMessage, proto } from "@whiskeysockets/baileys";
import type { SendOptions } from "../account.ts";
import { groupOf } from "../groups/groups.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { encryptFor } from "../signal/sessions.ts";
import type { Person } from "../state/person.ts";
import type { Companion, SentMessage } from "../state/state.ts";
import { isGroup, jidOf } from "../wire/jid.ts";
import { randomId, stanza, unixNow } from "../wire/stanza.ts";
import { sendToGroup } from "./group-from-phone.ts";
import { fileMessage } from "./inbox.ts";
import { messageType } from "./message-type.ts";

const sentKept = 1_000;

/** Sends a message written on a person's phone to every client of the recipient, to the recipient's phone and, as a copy, to the sender's own clients; or to a group. */
export async function sendFromPhone(
  network: Network,
  person: Person,
  to: string,
  message: proto.IMessage,
  options: SendOptions,
): Promise<{ id: string }> {
  const sent: SentMessage = {
    id: options.id ?? randomId("3A"),
    to,
    addressing: options.addressing ?? "pn",
    pushName: options.pushName ?? person.pushName,
    bytes: Buffer.from(proto.Message.encode(message).finish()),
    at: unixNow(),
  };
  const group = groupOf(network, to);
  if (!group && isGroup(to)) throw new Error(`there is no group ${to}`);
  person.state.sent = [...person.state.sent, sent].slice(-sentKept);
  if (group) {
    await sendToGroup(network, person, group, sent);
    return { id: sent.id };
  }
  const recipient = network.person(to);
  for (const companion of recipient.state.companions)
    await postCopy(network, person, sent, recipient, companion);
  if (recipient !== person) {
    for (const companion of person.state.companions) await postCopy(network, person, sent, person, companion);
  }
  await fileOnPhone(network, person, recipient, sent, message);
  return { id: sent.id };
}

/** Posts one client's copy of a message. `count` is set if the client requested it again. */
export async function postCopy(
  network: Network,
  sender: Person,
  sent: SentMessage,
  owner: Person,
  companion: Companion,
  count?: number,
): Promise<void> {
  const message = proto.Message.decode(sent.bytes);
  const isOwn = owner === sender;
  const chat = jidOf(network.person(sent.to).state, sent.addressing);
  const content = isOwn ? { deviceSentMessage: { destinationJid: chat, message } } : message;
  const enc = await encryptFor(
    network,
    sender,
    sender.phone,
    { person: owner, companion },
    encodeWAMessage(content),
  );
  if (count !== undefined) enc.attrs.count = String(count);
  const attributes = {
    from: jidOf(sender.state, sent.addressing),
    id: sent.id,
    t: sent.at,
    type: messageType(message),
    notify: sent.pushName,
    ...(isOwn ? { recipient: chat } : {}),
    ...otherAddress(isOwn ? network.person(sent.to) : sender, sent.addressing, isOwn),
  };
  post(network, companion, stanza("message", attributes, [enc]));
}

/** Attributes with the person's other address. In a copy of an own message, the person is the recipient. */
export function otherAddress(
  person: Person,
  addressing: "pn" | "lid",
  isOwn: boolean,
): Record<string, string> {
  const role = isOwn ? "peer_recipient" : "sender";
  return addressing === "pn"
    ? { [`${role}_lid`]: jidOf(person.state, "lid") }
    : { addressing_mode: "lid", [`${role}_pn`]: jidOf(person.state, "pn") };
}

/** Files the message on the recipient's phone directly, because that phone is simulated too. */
async function fileOnPhone(
  network: Network,
  sender: Person,
  recipient: Person,
  sent: SentMessage,
  message: proto.IMessage,
): Promise<void> {
  await fileMessage(network, recipient, {
    id: sent.id,
    from: sender.phoneNumber,
    chat: recipient === sender ? recipient.phoneNumber : sender.phoneNumber,
    fromMe: recipient === sender,
    to: jidOf(recipient.state, sent.addressing),
    sender: 0,
    deviceId: 0,
    message,
  });
}
