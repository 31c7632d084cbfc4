import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Network } from "../network/network.ts";
import type { Person } from "../state/person.ts";
import type { Companion } from "../state/state.ts";
import { type DeviceAddress, jidOf, parseAddress } from "../wire/jid.ts";
import { child, children, contentOf, stanza } from "../wire/stanza.ts";

interface RequestedUser {
  address: DeviceAddress;
  /** Set if the client asked by number instead of JID; the answer repeats it. */
  number: string | null;
}

/** Answers `usync`: which numbers exist, their LIDs and their devices. One answer per requested user, with one child per requested protocol. */
export function answerUsync(network: Network, asker: Companion, iq: BinaryNode): BinaryNode[] {
  const usync = child(iq, "usync");
  const protocols = children(child(usync, "query")).map(({ tag }) => tag);
  const users = children(child(usync, "list"), "user").flatMap((user) => {
    const requested = parseUser(user);
    return requested
      ? [answerUser(network, asker, requested, protocols)].filter((answer) => answer !== null)
      : [];
  });
  const { sid, mode, context, index, last } = usync?.attrs ?? {};
  return [
    stanza("usync", { sid, mode, context, index, last }, [stanza("result"), stanza("list", {}, users)]),
  ];
}

function parseUser(user: BinaryNode): RequestedUser | null {
  if (user.attrs.jid) {
    const address = parseAddress(user.attrs.jid);
    return address && { address, number: null };
  }
  const number = contentOf(child(user, "contact")).toString();
  const digits = number.replaceAll(/\D/g, "");
  return digits ? { address: { user: digits, addressing: "pn", device: 0 }, number } : null;
}

function answerUser(
  network: Network,
  asker: Companion,
  requested: RequestedUser,
  protocols: string[],
): BinaryNode | null {
  const { address, number } = requested;
  const person = personAt(network, requested);
  if (!person) {
    const jid = `${address.user}@${address.addressing === "pn" ? "s.whatsapp.net" : "lid"}`;
    return number === null ? null : stanza("user", { jid }, [stanza("contact", { type: "out" }, number)]);
  }
  const content = protocols.flatMap((protocol) => {
    const answer = answerProtocol(network, asker, person, requested, protocol);
    return answer ? [answer] : [];
  });
  return stanza("user", { jid: jidOf(person.state, address.addressing) }, content);
}

/**
 * Every number exists unless it was declared unknown; a LID exists only if its person does. A number that is registered as
 * another leads there when it is dialled, but names no one as a JID.
 */
function personAt(network: Network, { address, number }: RequestedUser): Person | null {
  const { user, addressing } = address;
  if (addressing === "lid") return network.find(user, "lid");
  const { unknownNumbers, registeredAs } = network.state;
  if (unknownNumbers.includes(user)) return null;
  const other = registeredAs?.[user];
  if (other !== undefined) return number === null ? null : network.person(other);
  return network.person(user);
}

function answerProtocol(
  network: Network,
  asker: Companion,
  person: Person,
  { address, number }: RequestedUser,
  protocol: string,
): BinaryNode | null {
  switch (protocol) {
    case "contact":
      return stanza("contact", { type: "in" }, number ?? undefined);
    case "lid":
      // A client that asks by LID knows it, and would read the answer as a mapping of the LID to itself.
      return address.addressing === "lid" ? null : stanza("lid", { val: jidOf(person.state, "lid") });
    case "devices":
      watch(network, asker, person);
      return stanza("devices", {}, [
        stanza("device-list", { hash: "2:sandbox" }, deviceNodes(network, person)),
      ]);
    case "status":
      return stanza("status", { t: 0 });
    case "disappearing_mode":
      return stanza("disappearing_mode", { duration: 0, t: 0 });
    default:
      network.counts.unknownNodes += 1;
      return null;
  }
}

function deviceNodes(network: Network, { state, phoneNumber }: Person): BinaryNode[] {
  if (network.state.withoutDevices?.includes(phoneNumber)) return [];
  const ids = [...state.devices, ...state.companions].map(({ id }) => id).sort((one, other) => one - other);
  return ids.map((id) => stanza("device", { id, "key-index": id === 0 ? undefined : id }));
}

function watch(network: Network, asker: Companion, person: Person): void {
  if (asker.watches.includes(person.phoneNumber)) return;
  asker.watches.push(person.phoneNumber);
  network.changed();
}
