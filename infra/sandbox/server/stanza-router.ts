import type { BinaryNode } from "@whiskeysockets/baileys";
import { groupOf } from "../groups/groups.ts";
import { receiveMessage } from "../messages/from-client.ts";
import { receiveGroupMessage } from "../messages/group-from-client.ts";
import { receiveAck, receiveReceipt } from "../messages/receipts.ts";
import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import { children } from "../wire/stanza.ts";
import { answerQuery } from "./queries.ts";

type Route = (network: Network, connection: Connection, node: BinaryNode) => Promise<void> | void;

const ignore: Route = () => {};
const knownNotices = new Set(["unified_session", "offline_batch", "offline"]);

/** Handlers for the stanzas that a client may send, by tag. */
const routes: Record<string, Route> = {
  iq: answerQuery,
  message: (network, connection, node) => {
    const group = groupOf(network, node.attrs.to);
    return group
      ? receiveGroupMessage(network, connection, group, node)
      : receiveMessage(network, connection, node);
  },
  receipt: receiveReceipt,
  ack: receiveAck,
  presence: ignore,
  chatstate: ignore,
  ib: (network, connection, node) => {
    if (!children(node).every(({ tag }) => knownNotices.has(tag))) countUnknown(network, connection, node);
  },
};

/** Counts a stanza and handles it. */
export async function routeStanza(network: Network, connection: Connection, node: BinaryNode): Promise<void> {
  const { stanzas } = network.counts;
  stanzas[node.tag] = (stanzas[node.tag] ?? 0) + 1;
  await (routes[node.tag] ?? countUnknown)(network, connection, node);
}

function countUnknown(network: Network, connection: Connection, node: BinaryNode): void {
  network.counts.unknownNodes += 1;
  const shape = [node.tag, ...children(node).map(({ tag }) => tag)].join(" ");
  network.log(`${connection.id} sent an unknown stanza: ${shape}`);
}
