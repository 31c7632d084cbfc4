import type { Socket } from "socket.io";
import type { KeyCollections } from "#shared/authentication.ts";
import { databaseAnswer } from "#shared/database-answer.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { ClientIdentity } from "./client.ts";
import { type Credential, handshakeCredential, verify } from "./credential.ts";
import type { GatewayLimits } from "./limits.ts";
import type { UnauthenticatedConnections } from "./unauthenticated.ts";

/** What the middleware leaves for the connection. */
export interface HandshakeData {
  identity: ClientIdentity | null;
}

export interface HandshakeDeps {
  db: KeyCollections;
  /** Gets those that join without a credential. */
  keyless: UnauthenticatedConnections;
  limits: GatewayLimits;
  log: Logger;
}

type Middleware = (socket: Socket, next: (error?: Error) => void) => Promise<void>;

/**
 * Authenticates by what the handshake carries. A wrong key is a `connect_error` with `data: {code, message}`. A wrong
 * cookie is none at all: browsers send it unasked, and its page may still show a key.
 */
export function handshakeMiddleware({ db, keyless, limits, log }: HandshakeDeps): Middleware {
  const tries = new WeakMap<object, number>();
  return async (socket, next) => {
    const tried = (tries.get(socket.conn) ?? 0) + 1;
    tries.set(socket.conn, tried);
    // One connection may ask to join over and over; socket.io closes it only when it never succeeds.
    if (tried > limits.authenticationTries) return void socket.conn.close(true);
    try {
      const identity = await identify(db, socket, limits);
      if (!identity && !isRoomFor(socket, keyless, limits)) {
        log.info({ socketId: socket.id, reason: "too_many_without_key" }, "gateway closed a socket");
        // Not a `connect_error`, after which clients stay away.
        return void socket.conn.close(true);
      }
      socket.data = { identity } satisfies HandshakeData;
      next();
    } catch (error) {
      const cause = error instanceof ServiceError ? error.cause : error;
      if (cause) log.error({ err: cause }, "gateway handshake failed");
      next(connectError(error));
    }
  };
}

/** Counted only here: who brings a key is not shut out by those who do not. */
function isRoomFor(
  { conn }: Socket,
  keyless: UnauthenticatedConnections,
  { unauthenticatedPerAddressMax }: GatewayLimits,
): boolean {
  // Gone while its cookie was looked at: nobody would take it out again.
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
