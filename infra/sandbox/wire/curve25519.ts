import * as curve from "libsignal/src/curve.js";
import type { KeyPair } from "../state/state.ts";

const publicKeyPrefix = Buffer.of(5);

export function generateKeyPair(): KeyPair {
  const { pubKey, privKey } = curve.generateKeyPair();
  return { pubKey: Buffer.from(pubKey), privKey: Buffer.from(privKey) };
}

/** Diffie-Hellman; `publicKey` is the 32 bytes on the wire. */
export function agree(pair: KeyPair, publicKey: Uint8Array): Buffer {
  return Buffer.from(curve.calculateAgreement(withPrefix(publicKey), pair.privKey));
}

/** An XEdDSA signature. Takes about 10 ms, because libsignal's implementation is plain JavaScript. */
export function sign(pair: KeyPair, message: Buffer): Buffer {
  return Buffer.from(curve.calculateSignature(pair.privKey, message));
}

/**
 * Whether the signature is by the owner of this 32-byte key. An unpatched libsignal returns that; a patched one throws for
 * an invalid signature.
 */
export function isSignedBy(publicKey: Uint8Array, message: Buffer, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    return curve.verifySignature(withPrefix(publicKey), message, signature);
  } catch {
    return false;
  }
}

/** A public key without the leading byte that marks it as Curve25519. */
export const rawPublicKey = (pair: KeyPair): Buffer => pair.pubKey.subarray(1);

/** A public key with the leading byte that marks it as Curve25519. */
export const withPrefix = (publicKey: Uint8Array): Buffer => Buffer.concat([publicKeyPrefix, publicKey]);
