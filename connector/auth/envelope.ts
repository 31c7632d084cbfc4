import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { AuthStateError } from "./auth-error.ts";

/**
 * AES-256-GCM. A sealed value is one version byte, a random IV, the tag and the ciphertext. The `_id` of its row is
 * authenticated with it, so a value moved to another row does not open.
 */
const cipher = "aes-256-gcm";
const version = 1;
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const headBytes = 1 + ivBytes + tagBytes;

export function createDataKey(): Buffer {
  return randomBytes(keyBytes);
}

export function seal(key: Buffer, rowId: string, plain: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const sealing = createCipheriv(cipher, key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(rowId));
  const body = Buffer.concat([sealing.update(plain), sealing.final()]);
  return Buffer.concat([Buffer.of(version), iv, sealing.getAuthTag(), body]);
}

/** Throws `AuthStateError` `unreadable` if the value was sealed with another key, for another row, or was changed. */
export function unseal(key: Buffer, rowId: string, sealed: Buffer): Buffer {
  if (sealed.length < headBytes || sealed[0] !== version) throw unreadable(rowId);
  const iv = sealed.subarray(1, 1 + ivBytes);
  const opening = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes })
    .setAAD(Buffer.from(rowId))
    .setAuthTag(sealed.subarray(1 + ivBytes, headBytes));
  try {
    return Buffer.concat([opening.update(sealed.subarray(headBytes)), opening.final()]);
  } catch (error) {
    throw unreadable(rowId, error);
  }
}

/** A data key as it is stored: sealed by the master key that `masterKeyId` names. */
export interface WrappedKey {
  masterKeyId: string;
  wrapped: Buffer;
}

/** Wraps with the newest (first) of the master keys. */
export function wrapDataKey(dataKey: Buffer, masterKeys: readonly Buffer[], rowId: string): WrappedKey {
  const [newest] = masterKeys;
  if (!newest) throw new AuthStateError("unknown_master_key", "ENCRYPTION_KEY is not set");
  return { masterKeyId: masterKeyId(newest), wrapped: seal(newest, rowId, dataKey) };
}

/** Throws `AuthStateError` `unknown_master_key` if none of the master keys wrapped it. */
export function unwrapDataKey(stored: WrappedKey, masterKeys: readonly Buffer[], rowId: string): Buffer {
  const key = masterKeys.find((candidate) => masterKeyId(candidate) === stored.masterKeyId);
  if (key) return unseal(key, rowId, stored.wrapped);
  throw new AuthStateError(
    "unknown_master_key",
    `The credentials were encrypted with ENCRYPTION_KEY ${stored.masterKeyId}, which is not one of the configured keys`,
  );
}

/** A name for a master key that reveals nothing about it. */
export function masterKeyId(key: Buffer): string {
  return createHash("sha256").update("waypost master key").update(key).digest("hex").slice(0, 16);
}

function unreadable(rowId: string, cause?: unknown): AuthStateError {
  const kind = rowId.split("/")[1] ?? "credentials";
  return new AuthStateError("unreadable", `A stored row (${kind}) cannot be decrypted`, { cause });
}
