/** Delivers the event log to Socket.io clients: live, and replayed from the last event that a client has. */

/*
 *   event log --ChangeHub--> ChannelFeed --broadcast--> rooms --> subscribed sockets
 *       |                             |
 *       |                       ReplayBuffer
 *       |                             |
 *       +----------pages----------> replay --> a socket that catches up, then joins its rooms
 */

import type { Server as HttpServer } from "node:http";
import type { Db } from "mongodb";
import pLimit from "p-limit";
import type { Server, Socket } from "socket.io";
import type { ChangeHub } from "#shared/change-hub.ts";
import { collections } from "#shared/database.ts";
import { errorTrace } from "#shared/error-trace.ts";
import type { Logger } from "#shared/log.ts";
import { tailEvents } from "../events/event-tail.ts";
import { authenticateHandler, leaveAll } from "./authenticate.ts";
import { Feeds } from "./channel-feeds.ts";
import { Client } from "./client.ts";
import { Connections } from "./connections.ts";
import { keepSweeping, sweepFeeds } from "./feed-sweep.ts";
import type { GatewayParts } from "./gateway-parts.ts";
import { type HandshakeData, handshakeMiddleware } from "./handshake.ts";
import { keepRechecking } from "./key-recheck.ts";
import { defaultLimits, type GatewayLimits } from "./limits.ts";
import { tailPairings } from "./pairing-tail.ts";
import { roomBroadcaster } from "./rooms.ts";
import { createSocketServer } from "./socket-server.ts";
import { SocketSessions, sessionOf } from "./socket-sessions.ts";
import { subscribeHandler, unsubscribeHandler } from "./subscribe.ts";

export interface GatewayOptions {
  /** Must have its own request listener already: Socket.io takes the requests for its path away from that one. */
  server: HttpServer;
  db: Db;
  changes: ChangeHub;
  /** Allowed origins besides the server's own. */
  origins: readonly string[];
  /** How many proxies stand in front. */
  trustProxy: number;
  log: Logger;
  limits?: Partial<GatewayLimits>;
}

/** A running gateway. */
export interface Gateway {
  /** Closes every connection and stops reading. Leaves the HTTP server and the database client open. */
  close(): Promise<void>;
}

/** Attaches the Socket.io gateway to an HTTP server. Resolves once it follows the database, or the first attempt has failed. */
export async function attachGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const db = collections(options.db);
  const connections = new Connections(limits, options.trustProxy, log);
  const sockets = createSocketServer(options.server, options.origins, connections, limits, log);
  const feeds = new Feeds({ db, broadcast: roomBroadcaster(sockets.io), log });
  const sessions = new SocketSessions(db, limits.returnMs);
  const parts = { db, connections, sessions, feeds, limits, log };
  const clients = acceptClients(sockets.io, parts);
  const stopping = new AbortController();
  const attempted = followDatabase(parts, options.changes, stopping.signal);
  const running = [
    keepSweeping(parts, limits.sweepMs, stopping.signal),
    keepRechecking({
      db,
      sessions,
      clients: () => clients.values(),
      everyMs: limits.recheckMs,
      log,
      signal: stopping.signal,
    }),
  ];
  await attempted;
  return {
    async close() {
      sockets.close();
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Makes a client of every connection. Returns those that are connected, by socket id. */
function acceptClients(io: Server, parts: GatewayParts): Map<string, Client> {
  const { connections, feeds, limits } = parts;
  const clients = new Map<string, Client>();
  const handlers = {
    authenticate: authenticateHandler(parts),
    subscribe_channel: subscribeHandler({ ...parts, reads: pLimit(limits.replayReadsMax) }),
    unsubscribe_channel: unsubscribeHandler({ feeds }),
  };
  io.use(handshakeMiddleware(parts));
  io.on("connection", (socket: Socket) => {
    const connection = connections.of(socket);
    if (!connection) return;
    const { identity, pid } = socket.data as HandshakeData;
    const client = new Client(socket, connection, pid, { ...parts, handlers });
    clients.set(socket.id, client);
    socket.on("disconnect", (reason) => {
      clients.delete(socket.id);
      leaveAll(client, feeds);
      if (reason === "client namespace disconnect") leaveForGood(client, parts);
    });
    if (!identity) return;
    client.identify(identity);
    connections.accept(connection);
    client.greet(identity);
  });
  return clients;
}

/** A connection without a socket would have no deadline and no key to be rechecked. */
function leaveForGood(client: Client, { sessions, log }: GatewayParts): void {
  client.connection.hangUp();
  const session = sessionOf(client);
  if (!session) return;
  sessions.forget(session.pid).catch((error: unknown) => {
    log.warn({ event: "session_not_forgotten", ...errorTrace(error) }, "gateway could not forget a client");
  });
}

/** Keeps the feeds up to date. Resolves when the stream of changes is open, or its first attempt has failed. */
function followDatabase(parts: GatewayParts, changes: ChangeHub, signal: AbortSignal): Promise<void> {
  const { feeds } = parts;
  const attempted = Promise.withResolvers<void>();
  tailEvents({
    changes,
    opened() {
      attempted.resolve();
      void sweepFeeds(parts);
    },
    lost: attempted.resolve,
    appended({ channelId, ...event }) {
      const feed = feeds.get(channelId);
      feed?.offer(event);
      return feed !== undefined;
    },
    signal,
  });
  tailPairings({ changes, feeds, signal });
  return attempted.promise;
}
