/** Authenticates callers by API key or by the console's session cookie. */

import type { Collection, Document, Filter } from "mongodb";
import { hashSecret } from "./api-key.ts";
import type { ApiKeyDocument } from "./collections.ts";
import { boundedRead, type Collections } from "./database.ts";
import { ServiceError } from "./errors.ts";
import type { Grant } from "./scopes.ts";

/** The caller: an API key, used directly or through a console session created with it. */
export interface Caller extends Grant {
  keyId: string;
  /** How long the key or the session is valid, whichever ends first, from when it was read; null for ever. */
  validMs: number | null;
}

/** The name of the console's cookie. Its value is random and opaque; the hash of it is the `console_sessions` id. */
export const sessionCookieName = "waypost_session";

/** The collections that authentication reads. */
export type KeyCollections = Pick<Collections, "apiKeys" | "consoleSessions">;

/** Throws `missing_api_key`, `invalid_api_key` or `expired_api_key`. The database's clock decides, as it dated the rows. */
export async function authenticateKey(db: KeyCollections, key: string | null): Promise<Caller> {
  if (!key) throw new ServiceError("missing_api_key");
  return authenticateKeyHash(db, hashSecret(key));
}

/** Like `authenticateKey`, for whoever has kept only the hash of a key. */
export async function authenticateKeyHash(
  db: Pick<KeyCollections, "apiKeys">,
  hash: string,
): Promise<Caller> {
  return asCaller(await findTimed(db.apiKeys, { hash }), null);
}

/** Like `authenticateKey`, for the value of the console's cookie. */
export async function authenticateSession(db: KeyCollections, cookie: string): Promise<Caller> {
  const session = await findTimed(db.consoleSessions, { _id: hashSecret(cookie) });
  if (!session) throw new ServiceError("invalid_api_key", "The session is not valid; sign in again");
  if (session.expiresAt <= session.now)
    throw new ServiceError("expired_api_key", "The session has expired; sign in again");
  return asCaller(await findTimed(db.apiKeys, { _id: session.keyId }), session.expiresAt);
}

/** A row, and the database's time at which it was read. */
type Timed<T> = T & { now: Date };

async function findTimed<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
): Promise<Timed<T> | null> {
  const pipeline = [{ $match: filter }, { $limit: 1 }, { $set: { now: "$$NOW" } }];
  const [found] = await collection.aggregate<Timed<T>>(pipeline, boundedRead).toArray();
  return found ?? null;
}

function asCaller(key: Timed<ApiKeyDocument> | null, sessionExpiresAt: Date | null): Caller {
  if (!key || key.revokedAt) throw new ServiceError("invalid_api_key");
  if (key.expiresAt && key.expiresAt <= key.now) throw new ServiceError("expired_api_key");
  const expiresAt = earlier(key.expiresAt, sessionExpiresAt);
  return {
    keyId: key._id,
    scopes: key.scopes,
    channels: key.channels,
    validMs: expiresAt && expiresAt.getTime() - key.now.getTime(),
  };
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (!a || !b) return a ?? b;
  return a < b ? a : b;
}
