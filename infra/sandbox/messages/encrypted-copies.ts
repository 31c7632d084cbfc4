import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Network } from "../network/network.ts";
import { isValidIdentity } from "../signal/device-identity.ts";
import type { LinkedClient } from "../state/person.ts";
import { type DeviceAddress, parseAddress } from "../wire/jid.ts";
import { child, children, contentOf } from "../wire/stanza.ts";

/** One device's encrypted copy of a message. */
export interface EncryptedCopy {
  address: DeviceAddress;
  enc: BinaryNode;
}

/** The copies in a message stanza: for several devices below `<participants>`, for one in an `<enc>` of the stanza itself. */
export function encryptedCopies(node: BinaryNode): EncryptedCopy[] {
  const listed = children(child(node, "participants"), "to").map((to) => ({
    address: parseAddress(to.attrs.jid),
    enc: child(to, "enc"),
  }));
  const direct = { address: parseAddress(node.attrs.participant ?? node.attrs.to), enc: child(node, "enc") };
  return [...listed, direct].filter(
    (copy): copy is EncryptedCopy => copy.address !== null && copy.enc !== undefined,
  );
}

/** Detects what no recipient notices: a ratchet that was rolled back, a device identity that is not properly signed. */
export function inspectCopies(
  network: Network,
  sender: LinkedClient,
  node: BinaryNode,
  encs: BinaryNode[],
): void {
  const { person, companion } = sender;
  const device = `${person.phoneNumber}:${companion.id}`;
  for (const enc of encs) {
    if (network.ratchets.isReused(device, enc.attrs.type ?? "", contentOf(enc))) {
      network.counts.reusedRatchetCounters += 1;
      network.log(`${device} used a ratchet counter twice`);
    }
  }
  const deviceIdentity = child(node, "device-identity");
  if (!deviceIdentity && !encs.some(({ attrs }) => attrs.type === "pkmsg")) return;
  const bytes = contentOf(deviceIdentity);
  // Verifying the two signatures takes 16 ms, and a client sends the same identity each time.
  const encoded = bytes.toString("base64");
  if (network.verifiedIdentities.get(device) === encoded) return;
  if (isValidIdentity(bytes, companion.identity, person.phone.identity))
    network.verifiedIdentities.set(device, encoded);
  else network.counts.badDeviceIdentities += 1;
}
