import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Addressing } from "../account.ts";
import { groupOf } from "../groups/groups.ts";
import { post, stanzaKey } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { keyNodes, parseBundle, takeClientBundle, takeOwnBundle } from "../signal/pre-key-bundle.ts";
import { renewSession } from "../signal/sessions.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { Companion, OwnDevice } from "../state/state.ts";
import { type DeviceAddress, jidOf, parseAddress } from "../wire/jid.ts";
import { bigEndian, child, childContent, stanza, uint, unixNow } from "../wire/stanza.ts";
import { postCopy } from "./from-phone.ts";
import { resendToGroup } from "./group-from-phone.ts";

const askedMax = 5;

/** A message that a device wants again. */
export interface RetryRequest {
  id: string;
  /** Phone number and device of the client that sent it. */
  from: string;
  sender: number;
  /** How the client addressed the chat, and in a copy of an own message the chat itself. */
  addressing: Addressing;
  recipient?: string;
  /** JID of the group it was written in. */
  group?: string;
}

/** A device in the sandbox asks a client for a message again; with its keys from the second time on, as phones do. At most five times. */
export function requestRetry(
  network: Network,
  person: Person,
  device: OwnDevice,
  wanted: RetryRequest,
): void {
  const sender = network.person(wanted.from);
  const companion = sender.companion(wanted.sender);
  const name = `${person.phoneNumber}:${device.id} ${wanted.id}`;
  const count = (network.asked.get(name) ?? 0) + 1;
  network.asked.set(name, count);
  if (!companion || count > askedMax) return;
  const own = jidOf(person.state, wanted.addressing, device.id);
  const attributes = {
    ...(wanted.group ? { from: wanted.group, participant: own } : { from: own }),
    id: wanted.id,
    type: "retry",
    t: unixNow(),
    recipient: wanted.recipient,
  };
  const keys = count > 1 ? [stanza("keys", {}, keyNodes(takeOwnBundle(device)))] : [];
  network.counts.retriesAsked += 1;
  const chat = parseAddress(wanted.recipient);
  const reader = (chat && network.find(chat.user, chat.addressing)) ?? person;
  network.ledgers.outgoing.askedAgain({ id: wanted.id, from: wanted.from, to: reader.phoneNumber });
  post(
    network,
    companion,
    stanza("receipt", attributes, [
      stanza("retry", { count, id: wanted.id, t: unixNow(), v: 1 }),
      stanza("registration", {}, bigEndian(device.registrationId, 4)),
      ...keys,
    ]),
  );
}

/** A client could not read a message: from a phone in here it gets another copy, another client is asked on its behalf. */
export async function answerRetry(network: Network, asker: LinkedClient, node: BinaryNode): Promise<void> {
  network.counts.retriesReceived += 1;
  const { id = "", to, participant } = node.attrs;
  const address = parseAddress(participant ?? to);
  const sender = address && network.find(address.user, address.addressing);
  if (!address || !sender) return;
  const waiting = asker.companion.queue.find(({ key }) => key === stanzaKey("message", { id }));
  if (waiting) waiting.isRetried = true;
  noteFailure(network, asker, id, sender, address.device);
  const author = sender.companion(address.device);
  if (author) return askClient(network, asker, author, address, node);
  await resend(network, sender, asker, id, node);
}

function noteFailure(
  network: Network,
  { person, companion }: LinkedClient,
  id: string,
  sender: Person,
  device: number,
): void {
  const to = `${person.phoneNumber}:${companion.id}`;
  network.ledgers.incoming.heard({ id, to: person.phoneNumber, deviceId: companion.id }, "retry");
  const from = `${sender.phoneNumber}:${device}`;
  network.ledgers.failures.failed({ id, from, to, reader: "linked", isForced: false });
  const message = { id, from: sender.phoneNumber, to: person.phoneNumber };
  network.ledgers.outgoing.askedAgain(message);
}

async function resend(
  network: Network,
  sender: Person,
  asker: LinkedClient,
  id: string,
  node: BinaryNode,
): Promise<void> {
  const sent = sender.state.sent.findLast((message) => message.id === id);
  if (!sent) return;
  sender.onReceipt({ messageId: id, from: asker.person.phoneNumber, type: "retry" });
  const registrationId = uint(childContent(node, "registration"));
  const bundle =
    parseBundle(child(node, "keys"), registrationId) ?? takeClientBundle(network, asker.companion);
  await renewSession(sender, sender.phone, asker, bundle);
  const count = Number(child(node, "retry")?.attrs.count ?? 1);
  const group = groupOf(network, sent.to);
  if (group) await resendToGroup(network, sender, group, sent, asker, count);
  else await postCopy(network, sender, sent, asker.person, asker.companion, count);
  const waiting = asker.companion.queue.find(({ key }) => key === stanzaKey("message", { id }));
  // The refusal of the first copy is still on its way.
  if (waiting) waiting.isRetried = true;
}

function askClient(
  network: Network,
  asker: LinkedClient,
  author: Companion,
  address: DeviceAddress,
  node: BinaryNode,
): void {
  const content = Array.isArray(node.content) ? node.content : [];
  const own = jidOf(asker.person.state, address.addressing, asker.companion.id);
  const group = groupOf(network, node.attrs.to);
  const attributes = {
    ...(group ? { from: group.jid, participant: own } : { from: own }),
    id: node.attrs.id,
    type: "retry",
    t: unixNow(),
    recipient: node.attrs.recipient,
  };
  post(network, author, stanza("receipt", attributes, content));
}
