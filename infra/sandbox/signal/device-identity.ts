import { createHmac, randomBytes } from "node:crypto";
import { proto } from "@whiskeysockets/baileys";
import type { Companion, KeyPair } from "../state/state.ts";
import { isSignedBy, rawPublicKey, sign } from "../wire/curve25519.ts";

const accountSignaturePrefix = Buffer.of(6, 0);
const deviceSignaturePrefix = Buffer.of(6, 1);

/** A phone's statement that a device is one of its own: `details`, signed with the phone's identity. */
export type SignedIdentity = Companion["deviceIdentity"];

export function signDeviceIdentity(
  phone: KeyPair,
  companionIdentity: Buffer,
  keyIndex: number,
): SignedIdentity {
  const fields = {
    rawId: randomBytes(4).readUInt32BE(),
    timestamp: Math.floor(Date.now() / 1000),
    keyIndex,
    accountType: proto.ADVEncryptionType.E2EE,
    deviceType: proto.ADVEncryptionType.E2EE,
  };
  const details = Buffer.from(proto.ADVDeviceIdentity.encode(fields).finish());
  const accountSignature = sign(phone, Buffer.concat([accountSignaturePrefix, details, companionIdentity]));
  return { details, accountSignature };
}

/** Encodes an identity as a client first receives it: with an HMAC under the secret that only the QR, or the code, carried. */
export function sealDeviceIdentity(identity: SignedIdentity, phone: KeyPair, advSecret: Buffer): Buffer {
  const signed = { ...identity, accountSignatureKey: rawPublicKey(phone) };
  const details = Buffer.from(proto.ADVSignedDeviceIdentity.encode(signed).finish());
  const hmac = createHmac("sha256", advSecret).update(details).digest();
  return Buffer.from(proto.ADVSignedDeviceIdentityHMAC.encode({ details, hmac }).finish());
}

/** Whether the client countersigned this identity, and this one only. */
export function isCountersigned(
  bytes: Buffer,
  identity: SignedIdentity,
  phone: KeyPair,
  companion: Buffer,
): boolean {
  const { details, accountSignature, deviceSignature } = proto.ADVSignedDeviceIdentity.decode(bytes);
  if (!details || !accountSignature || !deviceSignature) return false;
  const isSame = identity.details.equals(details) && identity.accountSignature.equals(accountSignature);
  return (
    isSame && isSignedBy(companion, deviceMessage(details, companion, rawPublicKey(phone)), deviceSignature)
  );
}

/** Verifies an identity as a phone does when a message from an unknown device arrives: both signatures, over the key that encrypted it. */
export function isValidIdentity(bytes: Buffer, companion: Buffer, phone: KeyPair): boolean {
  if (bytes.length === 0) return false;
  const signed = proto.ADVSignedDeviceIdentity.decode(bytes);
  const { details, accountSignature, deviceSignature, accountSignatureKey } = signed;
  if (!details || !accountSignature || !deviceSignature || !accountSignatureKey) return false;
  if (!rawPublicKey(phone).equals(accountSignatureKey)) return false;
  const accountMessage = Buffer.concat([accountSignaturePrefix, details, companion]);
  return (
    isSignedBy(accountSignatureKey, accountMessage, accountSignature) &&
    isSignedBy(companion, deviceMessage(details, companion, accountSignatureKey), deviceSignature)
  );
}

const deviceMessage = (details: Uint8Array, companion: Buffer, account: Uint8Array): Buffer =>
  Buffer.concat([deviceSignaturePrefix, details, companion, account]);
