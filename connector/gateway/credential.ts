import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { hashSecret } from "#shared/api-key.ts";
import {
  authenticateKeyHash,
  authenticateSession,
  type Caller,
  type KeyCollections,
  sessionCookieName,
} from "#shared/authentication.ts";
import { ServiceError } from "#shared/errors.ts";
import { parseWith } from "#shared/validation.ts";
import { originProblem } from "./origin.ts";

/** A client's credential: the hash of an API key, or the console's cookie. */
export type Credential = { kind: "key"; hash: string } | { kind: "session"; cookie: string };

/** The limit is longer than any key; only the database knows whether a key is valid. */
export const apiKeySchema = z.string().max(500);

/** `pid` and `offset` are the client's own: it repeats the `pid` that the gateway gave it before. */
const handshakeSchema = z
  .strictObject({ apiKey: apiKeySchema, pid: z.string().max(100), offset: z.string().max(200) })
  .partial();

/** The credential that a handshake presents; of several, the first in this order counts. */
interface Presented {
  /** The API key in `auth`. */
  key: Credential | null;
  /** The secret of the client's last connection. */
  pid: string | null;
  /** The console's cookie, from one of our own pages. */
  cookie: Credential | null;
}

/** Throws `invalid_request` for a malformed `auth`, and `missing_api_key` for an empty key. */
export function presentedBy(auth: unknown, headers: IncomingHttpHeaders): Presented {
  const { apiKey, pid } = parseWith(handshakeSchema, auth);
  return {
    key: apiKey === undefined ? null : keyCredential(apiKey),
    pid: pid ?? null,
    cookie: cookieCredential(headers),
  };
}

/** Throws `missing_api_key` for an empty key. */
export function keyCredential(apiKey: string): Credential {
  if (!apiKey) throw new ServiceError("missing_api_key");
  return { kind: "key", hash: hashSecret(apiKey) };
}

/** Throws as `authenticateKey` and `authenticateSession` do. */
export function verify(db: KeyCollections, credential: Credential): Promise<Caller> {
  if (credential.kind === "key") return authenticateKeyHash(db, credential.hash);
  return authenticateSession(db, credential.cookie);
}

/** Equal for two sockets with the same credential. */
export function credentialId(credential: Credential): string {
  return credential.kind === "key" ? `key:${credential.hash}` : `session:${hashSecret(credential.cookie)}`;
}

/**
 * Browsers send the cookie unasked, to every port of its host. Pages of other origins, even of those in `FRONTEND_URL`,
 * have to present a key.
 */
function cookieCredential(headers: IncomingHttpHeaders): Credential | null {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const named = pairs.find((pair) => pair.startsWith(`${sessionCookieName}=`));
  const cookie = named?.slice(sessionCookieName.length + 1);
  return cookie && originProblem(headers, []) === null ? { kind: "session", cookie } : null;
}
