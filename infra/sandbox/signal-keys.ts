import { randomBytes } from "node:crypto";
import * as curve from "libsignal/src/curve.js";
import type { KeyPair, OwnDevice } from "./state.ts";

const publicKeyPrefix = Buffer.of(5);

export function generateKeyPair(): KeyPair {
  const { pubKey, privKey } = curve.generateKeyPair();
  return { pubKey: Buffer.from(pubKey), privKey: Buffer.from(privKey) };
}

/** Diffie-Hellman; `publicKey` is the 32 bytes of the wire. */
export function agree(pair: KeyPair, publicKey: Uint8Array): Buffer {
  return Buffer.from(curve.calculateAgreement(withPrefix(publicKey), pair.privKey));
}

/** XEdDSA. About 10 ms: libsignal's is plain JavaScript. */
export function sign(pair: KeyPair, message: Buffer): Buffer {
  return Buffer.from(curve.calculateSignature(pair.privKey, message));
}

/**
 * Whether the signature is by the owner of this 32-byte key. Baileys' own `Curve.verify` says yes to everything:
 * it waits for an exception that libsignal 6 no longer throws.
 */
export function isSignedBy(publicKey: Uint8Array, message: Buffer, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  return curve.verifySignature(withPrefix(publicKey), message, signature);
}

/** A public key without and with the byte that says Curve25519. */
export const bare = (pair: KeyPair): Buffer => pair.pubKey.subarray(1);
export const withPrefix = (publicKey: Uint8Array): Buffer => Buffer.concat([publicKeyPrefix, publicKey]);

export function bigEndian(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

/** A device with a fresh Signal identity and no sessions. */
export function createOwnDevice(id: number): OwnDevice {
  const identity = generateKeyPair();
  const pair = generateKeyPair();
  return {
    id,
    registrationId: randomBytes(2).readUInt16BE() & 0x3fff,
    identity,
    signedPreKey: { id: 1, pair, signature: sign(identity, pair.pubKey) },
    nextPreKeyId: 1,
    preKeys: {},
    sessions: {},
    forgotten: [],
  };
}
