import type { Server as HttpServer } from "node:http";
import type { Db } from "mongodb";
import pLimit from "p-limit";
import type { Socket } from "socket.io";
import { collections } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";
import { tailEvents } from "../events/event-tail.ts";
import { authenticateHandler, leaveAll } from "./authenticate.ts";
import { Client } from "./client.ts";
import { Feeds } from "./feeds.ts";
import { type HandshakeData, handshakeMiddleware } from "./handshake.ts";
import { keepRechecking } from "./key-recheck.ts";
import { defaultLimits, type GatewayLimits } from "./limits.ts";
import { tailPairings } from "./pairing-tail.ts";
import { roomBroadcaster } from "./rooms.ts";
import { createSocketServer } from "./socket-server.ts";
import { subscribeHandler, unsubscribeHandler } from "./subscribe.ts";
import { keepSweeping, sweepFeeds } from "./sweep.ts";

export interface GatewayOptions {
  /** Its own request listener must be there already: Socket.io takes its path out of what that one sees. */
  server: HttpServer;
  db: Db;
  /** Beside the server's own. */
  origins: readonly string[];
  log: Logger;
  limits?: Partial<GatewayLimits>;
}

/** The gateway while it runs. */
export interface Gateway {
  /** Closes every connection and stops reading. Leaves the HTTP server and the database client alone. */
  close(): Promise<void>;
}

/** Puts the Socket.io gateway on an HTTP server. Resolves when it listens to the database, or first failed to. */
export async function attachGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const db = collections(options.db);
  const { io, keyless, settle, close } = createSocketServer(options.server, options.origins, limits);
  const feeds = new Feeds({ db, broadcast: roomBroadcaster(io, limits.writeBufferMax, log), log });
  const clients = new Map<string, Client>();
  const handlers = {
    authenticate: authenticateHandler(db, feeds, limits),
    subscribe_channel: subscribeHandler({
      db,
      feeds,
      reads: pLimit(limits.replayReadsMax),
      limits,
      log,
    }),
    unsubscribe_channel: unsubscribeHandler({ feeds }),
  };

  function connected(socket: Socket): void {
    const identified = () => settle(socket.conn);
    const client = new Client(socket, { handlers, limits, log, identified });
    clients.set(socket.id, client);
    socket.on("disconnect", () => {
      clients.delete(socket.id);
      client.forget();
      leaveAll(client, feeds);
    });
    const { identity } = socket.data as HandshakeData;
    if (!identity) return;
    client.identify(identity);
    client.greet(identity);
  }

  io.use(handshakeMiddleware({ db, keyless, limits, log }));
  io.on("connection", connected);
  const stopping = new AbortController();
  const { signal } = stopping;
  const eventTail = Promise.withResolvers<void>();
  const pairingTail = Promise.withResolvers<void>();
  const running = [
    tailEvents({
      events: db.events,
      opened() {
        eventTail.resolve();
        void sweepFeeds(feeds.all(), (feed) => feed.readLog());
      },
      lost: eventTail.resolve,
      inserted: (event) => feeds.get(event.channelId)?.offer(event),
      ...{ log, signal },
    }),
    tailPairings({ db, feeds, log, signal, attempted: pairingTail.resolve }),
    keepSweeping(feeds, limits.sweepMs, signal),
    keepRechecking({ db, clients: () => clients.values(), everyMs: limits.recheckMs, log, signal }),
  ];
  await Promise.all([eventTail.promise, pairingTail.promise]);
  return {
    async close() {
      close();
      stopping.abort();
      await Promise.all(running);
    },
  };
}
