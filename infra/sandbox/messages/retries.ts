import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Addressing } from "../account.ts";
import { groupOf } from "../groups/groups.ts";
import { post, stanzaKey } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import {
  keyNodes,
  parseBundle,
  signedOrForged,
  takeClientBundle,
  takeOwnBundle,
} from "../signal/pre-key-bundle.ts";
import { renewSession } from "../signal/sessions.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { Companion, OwnDevice } from "../state/state.ts";
import { type DeviceAddress, jidOf, parseAddress } from "../wire/jid.ts";
import { bigEndian, child, childContent, stanza, uint, unixNow } from "../wire/stanza.ts";
import { postCopy } from "./from-phone.ts";
import { resendToGroup } from "./group-from-phone.ts";

const requestsMax = 5;

/** A device's request for a message to be sent again. */
export interface RetryRequest {
  id: string;
  /** Phone number and device of the client that sent it. */
  from: string;
  sender: number;
  /** How the client addressed the chat; in a copy of an own message, `recipient` is the chat itself. */
  addressing: Addressing;
  recipient?: string;
  /** JID of the group it was written in. */
  group?: string;
}

/** Makes a device in the sandbox request a message from a client again, at most five times; from the second time on with its keys, as phones do. */
export function requestRetry(
  network: Network,
  person: Person,
  device: OwnDevice,
  request: RetryRequest,
): void {
  const sender = network.person(request.from);
  const companion = sender.companion(request.sender);
  const name = `${person.phoneNumber}:${device.id} ${request.id}`;
  const count = (network.retryCounts.get(name) ?? 0) + 1;
  network.retryCounts.set(name, count);
  if (!companion || count > requestsMax) return;
  const own = jidOf(person.state, request.addressing, device.id);
  const attributes = {
    ...(request.group ? { from: request.group, participant: own } : { from: own }),
    id: request.id,
    type: "retry",
    t: unixNow(),
    recipient: request.recipient,
  };
  const keys =
    count > 1 ? [stanza("keys", {}, keyNodes(signedOrForged(network, takeOwnBundle(device))))] : [];
  network.counts.retriesAsked += 1;
  const chat = parseAddress(request.recipient);
  const reader = (chat && network.find(chat.user, chat.addressing)) ?? person;
  network.ledgers.outgoing.retryRequested({ id: request.id, from: request.from, to: reader.phoneNumber });
  post(
    network,
    companion,
    stanza("receipt", attributes, [
      stanza("retry", { count, id: request.id, t: unixNow(), v: 1 }),
      stanza("registration", {}, bigEndian(device.registrationId, 4)),
      ...keys,
    ]),
  );
}

/** Handles a client's retry receipt: if a phone in the sandbox sent the message, it sends another copy; if another client did, the receipt is forwarded to it. */
export async function answerRetry(network: Network, asker: LinkedClient, node: BinaryNode): Promise<void> {
  network.counts.retriesReceived += 1;
  const { id = "", to, participant } = node.attrs;
  const address = parseAddress(participant ?? to);
  const sender = address && network.find(address.user, address.addressing);
  if (!address || !sender) return;
  const waiting = asker.companion.queue.find(({ key }) => key === stanzaKey("message", { id }));
  if (waiting) waiting.isRetried = true;
  recordFailure(network, asker, id, sender, address.device);
  const author = sender.companion(address.device);
  if (author) return forwardToAuthor(network, asker, author, address, node);
  await resend(network, sender, asker, id, node);
}

function recordFailure(
  network: Network,
  { person, companion }: LinkedClient,
  id: string,
  sender: Person,
  device: number,
): void {
  const to = `${person.phoneNumber}:${companion.id}`;
  network.ledgers.incoming.receiptReceived({ id, to: person.phoneNumber, deviceId: companion.id }, "retry");
  const from = `${sender.phoneNumber}:${device}`;
  network.ledgers.failures.failed({ id, from, to, reader: "linked", isForced: false });
  const message = { id, from: sender.phoneNumber, to: person.phoneNumber };
  network.ledgers.outgoing.retryRequested(message);
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
  // The client's refusal of the first copy is still on its way.
  if (waiting) waiting.isRetried = true;
}

function forwardToAuthor(
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
