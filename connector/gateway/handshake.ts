import type { Socket } from "socket.io";
import type { KeyCollections } from "#shared/authentication.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { errorTrace } from "#shared/error-trace.ts";
import { publicError, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { ClientIdentity } from "./client.ts";
import type { Connections } from "./connections.ts";
import { type Credential, presentedBy, verify } from "./credential.ts";
import type { GatewayLimits } from "./limits.ts";
import { newSocketSecret, type SocketSessions } from "./socket-sessions.ts";

/** `socket.data`, set by the middleware for the connection. */
export interface HandshakeData {
  identity: ClientIdentity | null;
  /** The secret with which the client may return; null for one that repeats its key by itself. */
  pid: string | null;
}

export interface HandshakeDeps {
  db: KeyCollections;
  connections: Connections;
  sessions: SocketSessions;
  limits: GatewayLimits;
  log: Logger;
}

type Middleware = (socket: Socket, next: (error?: Error) => void) => Promise<void>;

/**
 * Authenticates by what the handshake presents. A wrong key is a `connect_error` with `data: {code, message}`. A wrong
 * cookie counts as none: browsers send it unasked, and the page may still present a key. So does an identity that is
 * no longer kept.
 */
export function handshakeMiddleware(deps: HandshakeDeps): Middleware {
  const { connections, log } = deps;
  return async (socket, next) => {
    const connection = connections.of(socket);
    // Without `next`, Socket.io would keep the socket of a connection that is closed.
    if (!connection) return next();
    try {
      socket.data = await connections.whileVerifying(connection, () => admit(deps, socket));
      // Socket.io sends this property to the client, which repeats it with its next connection.
      Reflect.set(socket, "pid", socket.data.pid ?? undefined);
      next();
    } catch (error) {
      const cause = error instanceof ServiceError || error instanceof LostOnTheWay ? error.cause : error;
      if (cause) {
        const trace = { event: "handshake_failed", socketId: socket.id, ...errorTrace(cause) };
        log.error(trace, "gateway handshake failed");
      }
      if (error instanceof LostOnTheWay) connection.hangUp();
      next(connectError(error));
      // `next` answers in the next tick. A connection may try again, but not as often as it likes.
      if (connection.hasJoinedTooOften) setImmediate(() => connection.hangUp());
    }
  };
}

async function admit(deps: HandshakeDeps, { handshake }: Socket): Promise<HandshakeData> {
  const { key, pid, cookie } = presentedBy(handshake.auth, handshake.headers);
  if (key) return { identity: await identityOf(deps, key), pid: null };
  const newPid = newSocketSecret();
  try {
    const returning = pid ? await returningIdentity(deps, pid, newPid) : null;
    return { identity: returning ?? (cookie ? await identityIfValid(deps, cookie) : null), pid: newPid };
  } catch (error) {
    throw new LostOnTheWay("the identity of a client could not be read", { cause: error });
  }
}

/** After a `connect_error`, clients do not reconnect by themselves; after a lost connection they do. */
class LostOnTheWay extends Error {
  override readonly name = "LostOnTheWay";
}

/** The identity of a client that lost its connection; it may lose the next one right away. */
async function returningIdentity(
  deps: HandshakeDeps,
  pid: string,
  newPid: string,
): Promise<ClientIdentity | null> {
  const { sessions, limits } = deps;
  const keyHash = await databaseAnswer(sessions.keyHashOf(pid), limits.requestMs);
  const identity = keyHash ? await identityIfValid(deps, { kind: "key", hash: keyHash }) : null;
  if (keyHash && identity) await databaseAnswer(sessions.keep([{ pid: newPid, keyHash }]), limits.requestMs);
  return identity;
}

async function identityOf({ db, limits }: HandshakeDeps, credential: Credential): Promise<ClientIdentity> {
  return { caller: await databaseAnswer(verify(db, credential), limits.requestMs), credential };
}

async function identityIfValid(deps: HandshakeDeps, credential: Credential): Promise<ClientIdentity | null> {
  try {
    return await identityOf(deps, credential);
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) return null;
    throw error;
  }
}

function connectError(error: unknown): Error {
  const { code, message } = publicError(error);
  return Object.assign(new Error(message), { data: { code, message } });
}
