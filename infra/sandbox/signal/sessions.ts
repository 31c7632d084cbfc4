/** Encrypts and decrypts for simulated devices, with Signal sessions, sender keys and pre-key bundles. */

import type { BinaryNode } from "@whiskeysockets/baileys";
import { ProtocolAddress, SessionBuilder, SessionCipher, SessionRecord, type SignalStorage } from "libsignal";
import type { Network } from "../network/network.ts";
import type { LinkedClient, Person } from "../state/person.ts";
import type { OwnDevice } from "../state/state.ts";
import { withPrefix } from "../wire/curve25519.ts";
import { stanza } from "../wire/stanza.ts";
import { type PreKeyBundle, takeClientBundle } from "./pre-key-bundle.ts";

const sessionName = ({ person, companion }: LinkedClient): string => `${person.phoneNumber}.${companion.id}`;

/** Encrypts for a client, starting a session if there is none, and returns the `<enc>` node. */
export async function encryptFor(
  network: Network,
  owner: Person,
  device: OwnDevice,
  peer: LinkedClient,
  plaintext: Uint8Array,
): Promise<BinaryNode> {
  const name = sessionName(peer);
  const address = addressOf(owner, device, peer);
  const store = storage(device, name);
  const serialised = device.sessions[name];
  const isOpen = serialised !== undefined && recordOf(serialised).haveOpenSession();
  if (!isOpen) await initiate(store, address, takeClientBundle(network, peer.companion));
  const { type, body } = await new SessionCipher(store, address).encrypt(Buffer.from(plaintext));
  network.changed();
  // libsignal declares `body` as a string; at run time it is a Buffer.
  const ciphertext = Buffer.from(body as unknown as Uint8Array);
  return stanza("enc", { v: 2, type: type === 3 ? "pkmsg" : "msg" }, ciphertext);
}

/** Decrypts a ciphertext from a client. Throws libsignal's errors. */
export async function decryptFrom(
  network: Network,
  owner: Person,
  device: OwnDevice,
  peer: LinkedClient,
  enc: { type: string; ciphertext: Buffer },
): Promise<Buffer> {
  const cipher = new SessionCipher(storage(device, sessionName(peer)), addressOf(owner, device, peer));
  const isFirst = enc.type === "pkmsg";
  const decrypt = isFirst ? cipher.decryptPreKeyWhisperMessage : cipher.decryptWhisperMessage;
  const plaintext = await decrypt.call(cipher, enc.ciphertext);
  device.forgotten = device.forgotten.filter((name) => name !== sessionName(peer));
  network.changed();
  return plaintext;
}

/** Replaces the session with a client by a new one. */
export async function renewSession(
  owner: Person,
  device: OwnDevice,
  peer: LinkedClient,
  bundle: PreKeyBundle,
): Promise<void> {
  const name = sessionName(peer);
  await initiate(storage(device, name), addressOf(owner, device, peer), bundle);
}

/** Whether the session with this client was deleted on purpose. */
export const isForgotten = (device: OwnDevice, peer: LinkedClient): boolean =>
  device.forgotten.includes(sessionName(peer));

function initiate(store: SignalStorage, address: ProtocolAddress, bundle: PreKeyBundle): Promise<void> {
  const { registrationId, identity, signedPreKey, preKey } = bundle;
  const session = {
    registrationId,
    identityKey: withPrefix(identity),
    signedPreKey: {
      keyId: signedPreKey.id,
      publicKey: withPrefix(signedPreKey.value),
      signature: signedPreKey.signature,
    },
    ...(preKey ? { preKey: { keyId: preKey.id, publicKey: withPrefix(preKey.value) } } : {}),
  };
  // libsignal declares the one-time pre-key required, but works without one (`initOutgoing`).
  return new SessionBuilder(store, address).initOutgoing(
    session as Parameters<SessionBuilder["initOutgoing"]>[0],
  );
}

/** libsignal queues by address in one map for the whole process; these names collide with none of a Baileys socket's. */
const addressOf = (owner: Person, device: OwnDevice, peer: LinkedClient): ProtocolAddress =>
  new ProtocolAddress(
    `sandbox ${owner.phoneNumber} ${device.id} ${peer.person.phoneNumber}`,
    peer.companion.id,
  );

const recordOf = (serialised: object): SessionRecord => SessionRecord.deserialize(serialised as Uint8Array);

/**
 * Stores the session of one operation serialised, because a failed decryption changes a live record. Keeps it until the
 * operation ends, because unlinking the client deletes it at any moment.
 */
function storage(device: OwnDevice, name: string): SignalStorage {
  let kept = device.sessions[name];
  return {
    loadSession: async () => {
      kept = device.sessions[name] ?? kept;
      return kept === undefined ? null : recordOf(kept);
    },
    storeSession: async (_id, record) => {
      kept = device.sessions[name] = record.serialize();
    },
    isTrustedIdentity: () => true,
    loadPreKey: async (id) => device.preKeys[id],
    removePreKey: (id) => {
      delete device.preKeys[id];
    },
    loadSignedPreKey: () => device.signedPreKey.pair,
    getOurRegistrationId: () => device.registrationId,
    getOurIdentity: () => device.identity,
  };
}
