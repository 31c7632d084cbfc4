import type { Socket } from "socket.io";
import type { KeyCollections } from "#shared/authentication.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { ClientIdentity } from "./client.ts";
import { type Credential, handshakeCredential, verify } from "./credential.ts";
import type { GatewayLimits } from "./limits.ts";
import type { UnauthenticatedConnections } from "./unauthenticated.ts";

/** `socket.data`, set by the middleware for the connection. */
export interface HandshakeData {
  identity: ClientIdentity | null;
}

export interface HandshakeDeps {
  db: KeyCollections;
  /** Counts the connections that join without a credential. */
  keyless: UnauthenticatedConnections;
  limits: GatewayLimits;
  log: Logger;
}

type Middleware = (socket: Socket, next: (error?: Error) => void) => Promise<void>;

/**
 * Authenticates by the credential of the handshake. A wrong key is a `connect_error` with `data: {code, message}`. A
 * wrong cookie counts as none: browsers send it unasked, and the page may still present a key.
 */
export function handshakeMiddleware({ db, keyless, limits, log }: HandshakeDeps): Middleware {
  const tries = new WeakMap<object, number>();
  return async (socket, next) => {
    const tried = (tries.get(socket.conn) ?? 0) + 1;
    tries.set(socket.conn, tried);
    // A connection may try to join again and again; socket.io closes it only if it never succeeds.
    if (tried > limits.authenticationTries) return void socket.conn.close(true);
    try {
      const identity = await identify(db, socket, limits);
      if (!identity && !admitKeyless(socket, keyless, limits)) {
        const reason = "too_many_without_key";
        log.info({ event: "socket_closed", socketId: socket.id, reason }, "gateway closed a socket");
        // Not a `connect_error`, after which clients do not reconnect.
        return void socket.conn.close(true);
      }
      socket.data = { identity } satisfies HandshakeData;
      next();
    } catch (error) {
      const cause = error instanceof ServiceError ? error.cause : error;
      if (cause) {
        const trace = { event: "handshake_failed", socketId: socket.id, ...errorTrace(cause) };
        log.error(trace, "gateway handshake failed");
      }
      next(connectError(error));
    }
  };
}

/** Counts a connection without a key, if its address may have one more. Clients with a key are not limited by these. */
function admitKeyless(
  { conn }: Socket,
  keyless: UnauthenticatedConnections,
  { unauthenticatedPerAddressMax }: GatewayLimits,
): boolean {
  // Closed while its cookie was verified: it would never be removed from the count.
  if (conn.readyState !== "open") return false;
  if (keyless.count(conn.remoteAddress) >= unauthenticatedPerAddressMax) return false;
  keyless.add(conn, conn.remoteAddress);
  return true;
}

async function identify(
  db: KeyCollections,
  socket: Socket,
  limits: GatewayLimits,
): Promise<ClientIdentity | null> {
  const credential = handshakeCredential(socket.handshake.auth, socket.handshake.headers);
  if (!credential) return null;
  try {
    return { caller: await databaseAnswer(verify(db, credential), limits.requestMs), credential };
  } catch (error) {
    if (isStaleCookie(credential, error)) return null;
    throw error;
  }
}

function isStaleCookie(credential: Credential, error: unknown): boolean {
  return credential.kind === "session" && error instanceof ServiceError && error.status === 401;
}

function connectError(error: unknown): Error {
  const { code, message } = publicError(error);
  return Object.assign(new Error(message), { data: { code, message } });
}
