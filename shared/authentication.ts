/** Authenticates callers by API key or by the console's session cookie. */

import { hashSecret } from "./api-key.ts";
import type { ApiKeyDocument } from "./collections.ts";
import { boundedRead, type Collections } from "./database.ts";
import { ServiceError } from "./errors.ts";
import type { Grant } from "./scopes.ts";

/** The caller: an API key, used directly or through a console session created with it. */
export interface Caller extends Grant {
  keyId: string;
  /** When the key or the session expires, whichever is first. */
  expiresAt: Date | null;
}

/** The name of the console's cookie. Its value is random and opaque; the hash of it is the `console_sessions` id. */
export const sessionCookieName = "waypost_session";

/** The collections that authentication reads. */
export type KeyCollections = Pick<Collections, "apiKeys" | "consoleSessions">;

/** Throws `missing_api_key`, `invalid_api_key` or `expired_api_key`. */
export async function authenticateKey(db: KeyCollections, key: string | null, now: Date): Promise<Caller> {
  if (!key) throw new ServiceError("missing_api_key");
  return authenticateKeyHash(db, hashSecret(key), now);
}

/** Like `authenticateKey`, for whoever has kept only the hash of a key. */
export async function authenticateKeyHash(
  db: Pick<KeyCollections, "apiKeys">,
  hash: string,
  now: Date,
): Promise<Caller> {
  return asCaller(await db.apiKeys.findOne({ hash }, boundedRead), now, null);
}

/** Like `authenticateKey`, for the value of the console's cookie. */
export async function authenticateSession(db: KeyCollections, cookie: string, now: Date): Promise<Caller> {
  const session = await db.consoleSessions.findOne({ _id: hashSecret(cookie) }, boundedRead);
  if (!session) throw new ServiceError("invalid_api_key", "The session is not valid; sign in again");
  if (session.expiresAt <= now)
    throw new ServiceError("expired_api_key", "The session has expired; sign in again");
  return asCaller(await db.apiKeys.findOne({ _id: session.keyId }, boundedRead), now, session.expiresAt);
}

function asCaller(key: ApiKeyDocument | null, now: Date, sessionExpiresAt: Date | null): Caller {
  if (!key || key.revokedAt) throw new ServiceError("invalid_api_key");
  if (key.expiresAt && key.expiresAt <= now) throw new ServiceError("expired_api_key");
  return {
    keyId: key._id,
    scopes: key.scopes,
    channels: key.channels,
    expiresAt: earlier(key.expiresAt, sessionExpiresAt),
  };
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (!a || !b) return a ?? b;
  return a < b ? a : b;
}
