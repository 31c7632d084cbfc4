import { proto } from "@whiskeysockets/baileys";
import type { KeyPair, ServerKeys } from "../state/state.ts";
import { generateKeyPair, rawPublicKey, sign } from "./curve25519.ts";

export function createServerKeys(): ServerKeys {
  return { root: generateKeyPair(), intermediate: generateKeyPair(), static: generateKeyPair() };
}

/**
 * The chain a server shows in the Noise handshake: root signs intermediate, intermediate signs the static key. Unpatched,
 * Baileys 7.0.0-rc14 accepts any signature and never compares the leaf with the static key.
 */
export function certificateChain(keys: ServerKeys): Buffer {
  // The serial of the root, WA_CERT_DETAILS.SERIAL, is 0.
  const intermediate = certificate({
    serial: 1,
    issuerSerial: 0,
    key: keys.intermediate,
    signedWith: keys.root,
  });
  const leaf = certificate({ serial: 2, issuerSerial: 1, key: keys.static, signedWith: keys.intermediate });
  return Buffer.from(proto.CertChain.encode({ leaf, intermediate }).finish());
}

function certificate(options: { serial: number; issuerSerial: number; key: KeyPair; signedWith: KeyPair }) {
  const { serial, issuerSerial, key, signedWith } = options;
  const now = Math.floor(Date.now() / 1000);
  const fields = {
    serial,
    issuerSerial,
    key: rawPublicKey(key),
    notBefore: now - 86_400,
    notAfter: now + 365 * 86_400,
  };
  const details = Buffer.from(proto.CertChain.NoiseCertificate.Details.encode(fields).finish());
  return { details, signature: sign(signedWith, details) };
}

/** The chain of an impostor who has no root's signature, or shows the chain of another server with a key of their own. */
export function forgedChain(keys: ServerKeys, what: "root" | "leaf"): Buffer {
  const other = generateKeyPair();
  return certificateChain(what === "root" ? { ...keys, root: other } : { ...keys, static: other });
}
