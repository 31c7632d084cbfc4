import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Companion, QueuedStanza } from "../state/state.ts";
import { parseAddress } from "../wire/jid.ts";
import { serverJid, stanza } from "../wire/stanza.ts";
import type { Connection } from "./connection.ts";
import { connectionOf, type Network } from "./network.ts";

const queueMax = 10_000;

/** Identifies a stanza among those that await an acknowledgement. */
export function stanzaKey(tag: string, attrs: BinaryNode["attrs"]): string {
  // A message is confirmed by its id alone: the receipt may name the chat by another address.
  if (tag === "message") return `message ${attrs.id}`;
  return [tag, attrs.id, attrs.type ?? "", attrs.from, attrs.participant ?? ""].join(" ");
}

/** Queues a stanza for a linked client: sent now if the client is connected, and again at its next login unless it acknowledges. */
export function post(network: Network, companion: Companion, node: BinaryNode): void {
  const entry = { key: stanzaKey(node.tag, node.attrs), node };
  companion.queue = companion.queue
    .filter(({ key }) => key !== entry.key)
    .concat(entry)
    .slice(-queueMax);
  network.changed();
  recordPosted(network, companion, node);
  const connection = connectionOf(network, companion);
  connection?.delivered.delete(entry.key);
  if (connection?.isReceiving) deliver(network, connection, entry, node);
}

/** Takes an acknowledged stanza off the queue. Returns it, or null if it was not queued. */
export function confirm(network: Network, companion: Companion, key: string): QueuedStanza | null {
  const entry = companion.queue.find((queued) => queued.key === key);
  if (!entry) return null;
  companion.queue = companion.queue.filter((queued) => queued !== entry);
  network.changed();
  return entry;
}

/** Sends the whole queue after a login, marked as offline, then the notice that it is complete. */
export function replay(network: Network, connection: Connection, companion: Companion): void {
  connection.isReceiving = true;
  const waiting = [...companion.queue];
  if (waiting.length > 0) connection.send(stanza("ib", { from: serverJid }, [preview(waiting)]));
  for (const [index, entry] of waiting.entries()) {
    const attrs = { ...entry.node.attrs, offline: String(index) };
    deliver(network, connection, entry, { ...entry.node, attrs });
  }
  connection.send(stanza("ib", { from: serverJid }, [stanza("offline", { count: waiting.length })]));
}

/** Sends the queued stanzas that were not sent on this connection yet. */
export function catchUp(network: Network, connection: Connection): void {
  if (!connection.isReceiving || !connection.owner) return;
  for (const entry of connection.owner.companion.queue)
    if (!connection.delivered.has(entry.key)) deliver(network, connection, entry, entry.node);
}

function deliver(network: Network, connection: Connection, entry: QueuedStanza, node: BinaryNode): void {
  if (connection.isSilent) return;
  connection.delivered.add(entry.key);
  connection.send(node);
  const { owner } = connection;
  if (node.tag !== "message" || !owner) return;
  const { person, companion } = owner;
  network.ledgers.incoming.delivered({
    id: node.attrs.id ?? "",
    to: person.phoneNumber,
    deviceId: companion.id,
  });
}

/** Records a message in the ledger, unless it is a phone's message to its own clients about settings. */
function recordPosted(network: Network, companion: Companion, { tag, attrs }: BinaryNode): void {
  if (tag !== "message" || attrs.category === "peer") return;
  const author = parseAddress(attrs.participant ?? attrs.from);
  const from = author && network.find(author.user, author.addressing)?.phoneNumber;
  const owner = network.ownerOf(companion);
  if (!owner) return;
  network.ledgers.incoming.posted(
    { id: attrs.id ?? "", to: owner.phoneNumber, deviceId: companion.id },
    {
      from: from ?? "",
      group: attrs.participant === undefined ? null : (attrs.from ?? null),
      isOwn: from === owner.phoneNumber,
    },
  );
}

function preview(waiting: QueuedStanza[]): BinaryNode {
  const count = (tag: string): number => waiting.filter(({ node }) => node.tag === tag).length;
  return stanza("offline_preview", {
    count: waiting.length,
    message: count("message"),
    receipt: count("receipt"),
    notification: count("notification"),
    appdata: 0,
  });
}
