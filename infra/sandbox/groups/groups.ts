/** Keeps groups and their members, and notifies linked clients of every change. */

import { randomInt } from "node:crypto";
import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Addressing } from "../account.ts";
import { post } from "../network/mailbox.ts";
import type { Network } from "../network/network.ts";
import { renewSenderKey } from "../signal/sender-keys.ts";
import type { Person } from "../state/person.ts";
import type { GroupState } from "../state/state.ts";
import { jidOf } from "../wire/jid.ts";
import { randomId, stanza, unixNow } from "../wire/stanza.ts";

const membersMax = 1_024;

export const groupOf = (network: Network, jid: string | undefined): GroupState | null =>
  (jid !== undefined && network.state.groups?.[jid]) || null;

export const membersOf = (network: Network, group: GroupState): Person[] =>
  group.members.map((phoneNumber) => network.person(phoneNumber));

/** Creates a group and notifies all members' linked devices. */
export function createGroup(
  network: Network,
  creator: Person,
  subject: string,
  others: readonly string[],
  addressing: Addressing,
): GroupState {
  const members = [...new Set([creator.phoneNumber, ...others])];
  if (members.length > membersMax) throw new Error(`a group has at most ${membersMax} members`);
  for (const member of members) network.person(member);
  const jid = `1203630${String(randomInt(1e11)).padStart(11, "0")}@g.us`;
  const group = { jid, subject, members, createdAt: unixNow(), addressing };
  network.state.groups = { ...network.state.groups, [jid]: group };
  network.changed();
  notifyMembers(network, group, creator, stanza("create", {}, [groupNode(network, group)]), members);
  return group;
}

/** Adds a member and notifies all members; the new member's devices learn of the group from that. */
export function addMember(network: Network, group: GroupState, actor: Person, phoneNumber: string): void {
  if (group.members.includes(phoneNumber)) throw new Error(`${phoneNumber} is already in the group`);
  const person = network.person(phoneNumber);
  group.members = [...group.members, phoneNumber];
  network.changed();
  const content = [participantNode(group, person)];
  notifyMembers(network, group, actor, stanza("add", {}, content), group.members);
}

/** Removes a member and notifies all members, including the removed one. The remaining members encrypt under new sender keys. */
export function removeMember(network: Network, group: GroupState, actor: Person, phoneNumber: string): void {
  if (!group.members.includes(phoneNumber)) throw new Error(`${phoneNumber} is not in the group`);
  const person = network.person(phoneNumber);
  const formerMembers = group.members;
  group.members = group.members.filter((member) => member !== phoneNumber);
  for (const member of membersOf(network, group))
    renewSenderKey(member.phone, group.jid, `${member.phoneNumber}.0`);
  network.changed();
  notifyMembers(network, group, actor, stanza("remove", {}, [participantNode(group, person)]), formerMembers);
}

/** Describes a group to its members. */
export function groupNode(network: Network, group: GroupState): BinaryNode {
  const [creator = ""] = group.members;
  const owner = network.person(creator);
  const attributes = {
    id: group.jid.split("@")[0],
    subject: group.subject,
    creation: group.createdAt,
    creator: jidOf(owner.state, group.addressing),
    s_o: jidOf(owner.state, group.addressing),
    s_t: group.createdAt,
    size: group.members.length,
    addressing_mode: group.addressing,
  };
  const participants = membersOf(network, group).map((member) => participantNode(group, member));
  return stanza("group", attributes, participants);
}

/** Attributes that name a member of the group, or one of their devices, by the address that the group uses, with the other address beside it. */
export function participantAttributes(group: GroupState, person: Person, device = 0): Record<string, string> {
  const participant = jidOf(person.state, group.addressing, device);
  return group.addressing === "lid"
    ? { participant, participant_pn: jidOf(person.state, "pn"), addressing_mode: "lid" }
    : { participant, participant_lid: jidOf(person.state, "lid"), addressing_mode: "pn" };
}

function participantNode(group: GroupState, person: Person): BinaryNode {
  const type = group.members[0] === person.phoneNumber ? "superadmin" : undefined;
  const jid = jidOf(person.state, group.addressing);
  return group.addressing === "lid"
    ? stanza("participant", { jid, phone_number: jidOf(person.state, "pn"), type })
    : stanza("participant", { jid, lid: jidOf(person.state, "lid"), type });
}

function notifyMembers(
  network: Network,
  group: GroupState,
  actor: Person,
  change: BinaryNode,
  recipients: readonly string[],
): void {
  const attributes = {
    from: group.jid,
    type: "w:gp2",
    notify: actor.pushName,
    ...participantAttributes(group, actor),
  };
  for (const phoneNumber of recipients) {
    for (const companion of network.person(phoneNumber).state.companions) {
      const node = stanza("notification", { ...attributes, id: randomId(), t: unixNow() }, [change]);
      post(network, companion, node);
    }
  }
}
