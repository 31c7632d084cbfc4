import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { hashSecret } from "#shared/api-key.ts";
import {
  authenticateKey,
  authenticateSession,
  type Caller,
  type KeyCollections,
  sessionCookieName,
} from "#shared/authentication.ts";
import { parseWith } from "#shared/validation.ts";

/** A client's credential: an API key or the console's cookie. */
export interface Credential {
  kind: "key" | "session";
  secret: string;
}

/** The limit is longer than any key; only the database knows whether a key is valid. */
export const apiKeySchema = z.string().max(500);

const handshakeSchema = z.strictObject({ apiKey: apiKeySchema }).partial();

/**
 * The credential of a handshake; a key takes precedence over a cookie. Throws `invalid_request` for a malformed `auth`.
 */
export function handshakeCredential(auth: unknown, headers: IncomingHttpHeaders): Credential | null {
  const { apiKey } = parseWith(handshakeSchema, auth);
  if (apiKey !== undefined) return { kind: "key", secret: apiKey };
  const cookie = cookieValue(headers.cookie, sessionCookieName);
  return cookie ? { kind: "session", secret: cookie } : null;
}

/** Throws as `authenticateKey` and `authenticateSession` do. */
export function verify(db: KeyCollections, credential: Credential): Promise<Caller> {
  const authenticate = { key: authenticateKey, session: authenticateSession }[credential.kind];
  return authenticate(db, credential.secret, new Date());
}

/** Equal for two sockets with the same credential. */
export function credentialId(credential: Credential): string {
  return `${credential.kind}:${hashSecret(credential.secret)}`;
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? "").split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
