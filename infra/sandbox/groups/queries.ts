import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import { stanza } from "../wire/stanza.ts";
import { groupNode, groupOf } from "./groups.ts";

/** Lists the groups of the person who asks. */
export function answerParticipating(network: Network, { phoneNumber }: Person): BinaryNode[] {
  const groups = Object.values(network.state.groups ?? {}).filter(({ members }) =>
    members.includes(phoneNumber),
  );
  return [
    stanza(
      "groups",
      {},
      groups.map((group) => groupNode(network, group)),
    ),
  ];
}

/** Describes a group, to members only. */
export function answerGroup(
  network: Network,
  { phoneNumber }: Person,
  iq: BinaryNode,
): BinaryNode[] | { error: number; text: string } {
  const group = groupOf(network, iq.attrs.to);
  if (!group) return { error: 404, text: "item-not-found" };
  if (!group.members.includes(phoneNumber)) return { error: 403, text: "forbidden" };
  return [groupNode(network, group)];
}
