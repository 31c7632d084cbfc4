import type { BinaryNode } from "@whiskeysockets/baileys";
import { post } from "../network/mailbox.ts";
import { connectionOf, type Network } from "../network/network.ts";
import type { Companion, OwnDevice } from "../state/state.ts";
import { generateKeyPair, rawPublicKey } from "../wire/curve25519.ts";
import { parseAddress } from "../wire/jid.ts";
import {
  bigEndian,
  child,
  childContent,
  children,
  randomId,
  serverJid,
  stanza,
  uint,
  unixNow,
} from "../wire/stanza.ts";

/** The keys needed to start a session with a device, 32 bytes each. */
export interface PreKeyBundle {
  registrationId: number;
  identity: Buffer;
  signedPreKey: { id: number; value: Buffer; signature: Buffer };
  preKey: { id: number; value: Buffer } | null;
}

const preKeysKept = 5_000;

/** Makes a bundle for a device in the sandbox, with a new one-time pre-key each time, so that they never run out. */
export function takeOwnBundle(device: OwnDevice): PreKeyBundle {
  const id = device.nextPreKeyId++;
  const pair = generateKeyPair();
  device.preKeys[id] = pair;
  delete device.preKeys[id - preKeysKept];
  const { id: signedId, pair: signedPair, signature } = device.signedPreKey;
  return {
    registrationId: device.registrationId,
    identity: rawPublicKey(device.identity),
    signedPreKey: { id: signedId, value: rawPublicKey(signedPair), signature },
    preKey: { id, value: rawPublicKey(pair) },
  };
}

/** Makes a bundle from one of the one-time pre-keys that the client uploaded, and asks it for more when few are left. */
export function takeClientBundle(network: Network, companion: Companion): PreKeyBundle {
  const [preKey = null, ...rest] = companion.preKeys;
  companion.preKeys = rest;
  if (preKey) companion.preKeysTaken = [...(companion.preKeysTaken ?? []), preKey.id].slice(-preKeysKept);
  else companion.preKeysMissing = (companion.preKeysMissing ?? 0) + 1;
  network.changed();
  if (rest.length < network.preKeysLow) askForPreKeys(network, companion);
  const { registrationId, identity, signedPreKey } = companion;
  return { registrationId, identity, signedPreKey, preKey };
}

/** Asks once, until the client has uploaded more. An offline client checks the number at its next login anyway. */
function askForPreKeys(network: Network, companion: Companion): void {
  if (companion.isAskedForPreKeys || !connectionOf(network, companion)) return;
  companion.isAskedForPreKeys = true;
  network.counts.preKeyNotices += 1;
  const content = [stanza("count", { value: companion.preKeys.length })];
  const attributes = { from: serverJid, type: "encrypt", id: randomId(), t: unixNow() };
  post(network, companion, stanza("notification", attributes, content));
}

/** `<key><user jid/>…</key>` → `<list><user>bundle</user>…</list>`. Unknown devices are left out, because an error would spoil the whole answer. */
export function answerPreKeyBundles(network: Network, request: BinaryNode | undefined): BinaryNode[] {
  const users = children(request, "user").flatMap(({ attrs }) => {
    const bundle = bundleFor(network, attrs.jid);
    return bundle ? [stanza("user", { jid: attrs.jid }, bundleNodes(bundle))] : [];
  });
  return [stanza("list", {}, users)];
}

function bundleFor(network: Network, jid: string | undefined): PreKeyBundle | null {
  const address = parseAddress(jid);
  const person = address && network.find(address.user, address.addressing);
  if (!person) return null;
  const device = person.device(address.device);
  if (device) {
    network.changed();
    return signedOrForged(network, takeOwnBundle(device));
  }
  const companion = person.companion(address.device);
  return companion ? takeClientBundle(network, companion) : null;
}

/** The bundle, with a signature that is not its owner's while pre-keys are to be forged. */
export function signedOrForged({ rules }: Network, bundle: PreKeyBundle): PreKeyBundle {
  if (!rules.forgeries.has("pre-key")) return bundle;
  return { ...bundle, signedPreKey: { ...bundle.signedPreKey, signature: Buffer.alloc(64, 1) } };
}

function bundleNodes(bundle: PreKeyBundle): BinaryNode[] {
  return [stanza("registration", {}, bigEndian(bundle.registrationId, 4)), ...keyNodes(bundle)];
}

/** Encodes the keys of a bundle, for an answer or a retry receipt. */
export function keyNodes({ identity, signedPreKey, preKey }: PreKeyBundle): BinaryNode[] {
  const nodes = [
    stanza("type", {}, Buffer.of(5)),
    stanza("identity", {}, identity),
    stanza("skey", {}, [
      stanza("id", {}, bigEndian(signedPreKey.id, 3)),
      stanza("value", {}, signedPreKey.value),
      stanza("signature", {}, signedPreKey.signature),
    ]),
  ];
  return preKey ? [...nodes, preKeyNode(preKey)] : nodes;
}

const preKeyNode = ({ id, value }: { id: number; value: Buffer }): BinaryNode =>
  stanza("key", {}, [stanza("id", {}, bigEndian(id, 3)), stanza("value", {}, value)]);

/** Parses the bundle in a node that holds `identity`, `skey` and perhaps `key`; null if there is none. */
export function parseBundle(keys: BinaryNode | undefined, registrationId: number): PreKeyBundle | null {
  const identity = childContent(keys, "identity");
  const signed = child(keys, "skey");
  if (identity.length !== 32 || !signed) return null;
  const preKey = child(keys, "key");
  return {
    registrationId,
    identity,
    signedPreKey: { ...parsePreKey(signed), signature: childContent(signed, "signature") },
    preKey: preKey ? parsePreKey(preKey) : null,
  };
}

const parsePreKey = (node: BinaryNode): { id: number; value: Buffer } => ({
  id: uint(childContent(node, "id")),
  value: childContent(node, "value"),
});

/** Stores the keys that a client uploads. */
export function storePreKeys(network: Network, companion: Companion, iq: BinaryNode): void {
  const signed = child(iq, "skey");
  if (signed) {
    companion.signedPreKey = { ...parsePreKey(signed), signature: childContent(signed, "signature") };
  }
  const uploaded = children(child(iq, "list"), "key").map(parsePreKey);
  // A client that missed the answer uploads the same keys again; one that was handed out must not be handed out twice.
  const known = new Set([...companion.preKeys.map(({ id }) => id), ...(companion.preKeysTaken ?? [])]);
  const fresh = uploaded.filter(({ id }) => !known.has(id));
  companion.preKeys = [...companion.preKeys, ...fresh].slice(-preKeysKept);
  if (fresh.length > 0) companion.isAskedForPreKeys = false;
  network.changed();
}
