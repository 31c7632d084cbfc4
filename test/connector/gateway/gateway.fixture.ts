import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Timestamp } from "mongodb";
import { pino } from "pino";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { attachGateway, type Gateway } from "#connector/gateway/gateway.ts";
import type { GatewayLimits } from "#connector/gateway/limits.ts";
import { hashSecret, newApiKey } from "#shared/api-key.ts";
import { sessionCookieName } from "#shared/authentication.ts";
import { type ChangeReports, createChangeHub } from "#shared/change-hub.ts";
import type { ApiKeyDocument, ChannelDocument, EventDocument, PendingPairing } from "#shared/collections.ts";
import { type Collections, collections, ensureIndexes } from "#shared/database.ts";
import { newEventId } from "#shared/ids.ts";
import { channelDocument, keyDocument } from "#test/support/documents.ts";
import { type TestDatabase, testDatabase } from "#test/support/test-database.ts";

type ClientOptions = Partial<ManagerOptions & SocketOptions>;

/** An event that a client received. */
export interface ReceivedEvent {
  name: string;
  data: Record<string, unknown>;
}

export interface Listener {
  socket: Socket;
  received: ReceivedEvent[];
  /** The names of the received events. */
  names(): string[];
  ask(name: string, ...payload: unknown[]): Promise<Answer>;
}

type Answer = { ok: boolean; error?: { code: string; message: string } } & Record<string, unknown>;

export interface FixtureOptions {
  origins?: string[];
  trustProxy?: number;
  limits?: Partial<GatewayLimits>;
  /** The database of another gateway, to share it. */
  database?: TestDatabase;
}

/** A gateway with its own port and, unless shared, its own database. */
export class GatewayFixture implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly db: Collections;
  readonly url: string;
  /** Reports what another part of the process wrote. */
  readonly changes: ChangeReports;
  /** Every line of the log. */
  readonly logged: readonly string[];
  readonly #server: ReturnType<typeof createServer>;
  readonly #gateway: Gateway;
  readonly #sockets: Socket[] = [];
  readonly #isSharing: boolean;

  private constructor(
    database: TestDatabase,
    isSharing: boolean,
    server: ReturnType<typeof createServer>,
    gateway: Gateway,
    url: string,
    changes: ChangeReports,
    logged: string[],
  ) {
    this.changes = changes;
    this.logged = logged;
    this.database = database;
    this.#isSharing = isSharing;
    this.db = collections(database.db);
    this.#server = server;
    this.#gateway = gateway;
    this.url = url;
  }

  static async start({
    origins = [],
    trustProxy = 0,
    limits = {},
    ...shared
  }: FixtureOptions = {}): Promise<GatewayFixture> {
    const database = shared.database ?? (await testDatabase());
    await ensureIndexes(database.db, { eventsDays: 7, messagesDays: 30 });
    const logged: string[] = [];
    const server = createServer((_request, response) => response.writeHead(404).end("not the gateway's"));
    const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
    const changes = createChangeHub({ db: database.db, log, withRows: true });
    const gateway = await attachGateway({
      server,
      db: database.db,
      changes,
      origins,
      trustProxy,
      log,
      limits,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = async () => {
      await gateway.close();
      await changes[Symbol.asyncDispose]();
    };
    const isSharing = shared.database !== undefined;
    return new GatewayFixture(database, isSharing, server, { close }, url, changes, logged);
  }

  /** Breaks its connections without notice, as if the process was killed. */
  kill(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    return this.#gateway.close();
  }

  closeGateway(): Promise<void> {
    return this.#gateway.close();
  }

  async addKey(changes: Partial<ApiKeyDocument> = {}): Promise<{ key: string; keyId: string }> {
    const key = newApiKey();
    const keyId = newEventId();
    await this.db.apiKeys.insertOne(keyDocument(key, { _id: keyId, ...changes }));
    return { key, keyId };
  }

  /** Adds a console session. Resolves to the `Cookie` header. */
  async addSession(keyId: string, expiresAt = new Date(Date.now() + 3_600_000)): Promise<string> {
    const secret = newApiKey();
    await this.db.consoleSessions.insertOne({
      _id: hashSecret(secret),
      keyId,
      createdAt: new Date(),
      expiresAt,
    });
    return `theme=dark; ${sessionCookieName}=${secret}`;
  }

  async addChannel(changes: Partial<ChannelDocument> = {}): Promise<string> {
    const lastStatusUpdate = new Date(Date.now() - 60_000);
    const channel = channelDocument({ lastStatusUpdate, ...changes });
    await this.db.channels.insertOne(channel);
    return channel.channelId;
  }

  /** Adds an event as the connector publishes it. */
  async addEvent(channelId: string, seq: number, type: string, data: Record<string, unknown>): Promise<void> {
    await this.db.events.insertOne(eventRow(channelId, seq, type, data));
  }

  async addMessages(channelId: string, from: number, to: number): Promise<void> {
    for (let seq = from; seq <= to; seq += 1) {
      await this.addEvent(channelId, seq, "incoming_message", { messageId: `M${seq}`, type: "incoming" });
    }
  }

  /** Adds messages 1 to `count` in one write, so that one notification tells of all. */
  async addMessagesAtOnce(channelId: string, count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) =>
      eventRow(channelId, index + 1, "incoming_message", { type: "incoming" }),
    );
    await this.db.events.insertMany(rows);
  }

  async setPairing(channelId: string, pairing: PendingPairing | null): Promise<void> {
    const qrCode = pairing?.kind === "qr" ? `data:image/png;base64,${pairing.text}` : null;
    await this.db.channels.updateOne({ _id: channelId }, { $set: { pairing, "config.qrCode": qrCode } });
  }

  connect(options: ClientOptions = {}): Listener {
    const socket = io(this.url, {
      forceNew: true,
      reconnection: false,
      transports: ["websocket"],
      ...options,
    });
    this.#sockets.push(socket);
    const received: ReceivedEvent[] = [];
    socket.onAny((name: string, data: Record<string, unknown>) => received.push({ name, data }));
    return {
      socket,
      received,
      names: () => received.map(({ name }) => name),
      ask: (name, ...payload) => socket.timeout(60_000).emitWithAck(name, ...payload),
    };
  }

  /** Connects a client with an admin key. */
  async connectAdmin(options: ClientOptions = {}): Promise<Listener> {
    const { key } = await this.addKey();
    return this.connect({ auth: { apiKey: key }, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.disconnect();
    await this.#gateway.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
    if (!this.#isSharing) await this.database[Symbol.asyncDispose]();
  }
}

export function qr(attempt: number, expiresInMs = 20_000): PendingPairing {
  return {
    kind: "qr",
    text: `qr${attempt}`,
    attempt,
    of: 6,
    expiresAt: new Date(Date.now() + expiresInMs),
  };
}

function eventRow(
  channelId: string,
  seq: number,
  type: string,
  data: Record<string, unknown>,
): EventDocument {
  const [ord, timestamp] = [new Timestamp({ t: 0, i: 0 }), new Date()];
  return { _id: newEventId(), channelId, seq, ord, type, timestamp, data };
}
