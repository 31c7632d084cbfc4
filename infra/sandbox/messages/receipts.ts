import type { BinaryNode } from "@whiskeysockets/baileys";
import type { ReceiptTiming } from "../account.ts";
import { groupOf } from "../groups/groups.ts";
import type { Connection } from "../network/connection.ts";
import { confirm, post, stanzaKey } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { omitUndefined } from "../omit-undefined.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { Companion, StoredMessage } from "../state/state.ts";
import { jidOf, parseAddress } from "../wire/jid.ts";
import { child, children, stanza, unixNow } from "../wire/stanza.ts";
import { answerRetry } from "./retries.ts";

/** Types of receipts that confirm to the server that the client has the message; "" is "delivered". */
const confirmations = new Set([
  "",
  "inactive",
  "sender",
  "peer_msg",
  "hist_sync",
  "read",
  "read-self",
  "played",
]);
/** Types of receipts that concern only the client's own phone. */
const ownPhoneTypes = new Set(["sender", "peer_msg", "hist_sync", "read-self"]);

/** Sends a receipt from a person's phone to every client of the message's sender. */
export function sendReceipt(
  network: Network,
  person: Person,
  message: Pick<StoredMessage, "id" | "from" | "to">,
  kind: "delivered" | "read",
): void {
  const sender = network.person(message.from);
  const type = kind === "read" ? "read" : undefined;
  const group = groupOf(network, message.to);
  const participant = group ? jidOf(person.state, group.addressing) : undefined;
  const attributes = { from: message.to, participant, id: message.id, t: unixNow(), type };
  for (const companion of sender.state.companions) post(network, companion, stanza("receipt", attributes));
  network.ledgers.outgoing.receiptSent({ id: message.id, from: message.from, to: person.phoneNumber }, kind);
  sender.onReceipt({ messageId: message.id, from: person.phoneNumber, type: kind });
}

/** Sends the receipts that the person's policy, or a fault, calls for, each at its time. */
export function planReceipts(network: Network, person: Person, message: StoredMessage): void {
  const { delivered, read } = person.receiptPolicy;
  const fault = network.rules.receiptTimings.get(message.from) ?? network.rules.receiptTimings.get("all");
  schedule(network, fault ?? delivered, () => sendReceipt(network, person, message, "delivered"));
  schedule(network, fault === "never" ? fault : read, () => sendReceipt(network, person, message, "read"));
}

function schedule(network: Network, timing: ReceiptTiming, send: () => void): void {
  if (timing === "auto") send();
  else if (timing !== "never") network.after(timing, send);
}

/** Handles a client's receipt: takes its messages off the queue, and forwards it to the sender. */
export async function receiveReceipt(
  network: Network,
  connection: Connection,
  node: BinaryNode,
): Promise<void> {
  const { owner } = connection;
  if (!owner) return;
  const { id = "", to, type, participant, recipient } = node.attrs;
  connection.send(
    stanza("ack", { class: "receipt", id, from: to, type, participant, recipient, t: unixNow() }),
  );
  if (type === "retry") return answerRetry(network, owner, node);
  if (!confirmations.has(type ?? "")) network.counts.unknownNodes += 1;
  const ids = [id, ...children(child(node, "list"), "item").map(({ attrs }) => attrs.id ?? "")];
  for (const messageId of ids) {
    confirm(network, owner.companion, stanzaKey("message", { id: messageId }));
    recordReceipt(network, owner, messageId, type ?? "delivered");
    if (!ownPhoneTypes.has(type ?? ""))
      forwardReceipt(network, owner.person, owner.companion, messageId, node);
  }
}

/** Records a client's receipt in the ledgers. A confirmed message counts as decrypted. */
function recordReceipt(
  network: Network,
  { person, companion }: LinkedClient,
  id: string,
  type: string,
): void {
  network.ledgers.incoming.receiptReceived({ id, to: person.phoneNumber, deviceId: companion.id }, type);
  if (type.startsWith("error")) return;
  network.ledgers.failures.decrypted({ id, to: `${person.phoneNumber}:${companion.id}` });
}

function forwardReceipt(
  network: Network,
  reader: Person,
  companion: Companion,
  messageId: string,
  node: BinaryNode,
): void {
  const { to, type, participant } = node.attrs;
  const group = groupOf(network, to);
  const address = parseAddress(participant ?? to);
  const sender = address && network.find(address.user, address.addressing);
  if (!address || !sender || sender === reader) return;
  // The sender does not learn whether the client was in use.
  const isDelivery = type === undefined || type === "inactive";
  const reported = isDelivery ? "delivered" : type;
  const key = { id: messageId, from: sender.phoneNumber, to: reader.phoneNumber };
  network.ledgers.outgoing.receiptSent(key, reported);
  sender.onReceipt({ messageId, from: reader.phoneNumber, type: type ?? "delivered" });
  const own = jidOf(reader.state, address.addressing);
  const attributes = {
    ...(group ? { from: group.jid, participant: own } : { from: own }),
    id: messageId,
    t: unixNow(),
    type: isDelivery ? undefined : type,
  };
  for (const other of sender.state.companions) {
    if (other !== companion) post(network, other, stanza("receipt", attributes));
  }
}

/** Handles a client's ack. It takes the stanza off the queue, even with an error, unless the client has requested the message again. */
export function receiveAck(network: Network, connection: Connection, node: BinaryNode): void {
  const { owner } = connection;
  if (!owner) return;
  const { class: tag = "", id = "", to = "", type, error, participant } = node.attrs;
  const key = stanzaKey(tag, { id, from: to, ...omitUndefined({ type, participant }) });
  const waiting = owner.companion.queue.find((queued) => queued.key === key);
  if (error !== undefined && waiting?.isRetried) {
    delete waiting.isRetried;
    return;
  }
  if (tag === "message" && error !== undefined) recordReceipt(network, owner, id, `error ${error}`);
  confirm(network, owner.companion, key);
}
