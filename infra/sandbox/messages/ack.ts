import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import { stanza, unixNow } from "../wire/stanza.ts";

/** Acknowledges a message, or refuses it with an error; late or never while a fault is active. */
export function acknowledge(
  network: Network,
  connection: Connection,
  node: BinaryNode,
  error: number | null,
): void {
  const target = connection.owner?.person.phoneNumber ?? "";
  if (network.rules.areAcksWithheld(target)) return;
  const { id, to } = node.attrs;
  const ack = stanza("ack", { class: "message", id, from: to, t: unixNow(), error: error ?? undefined });
  const delayMs = network.rules.ackDelayMs(target);
  if (delayMs === 0) connection.send(ack);
  else network.after(delayMs, () => connection.send(ack));
}
