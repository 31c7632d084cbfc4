import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { createApp } from "#functions/app.ts";
import type { Asset } from "#functions/assets.ts";
import type { AppSettings } from "#functions/dependencies.ts";
import type { EventDoorbell } from "#functions/events/event-doorbell.ts";
import { pollingResults } from "#functions/results/polling-results.ts";
import type { ReadCommandOutcome } from "#functions/results/results.ts";
import { mongoCommandOutcome } from "#functions/store/mongo-command-outcome.ts";
import { mongoStore } from "#functions/store/mongo-store.ts";
import type { Store } from "#functions/store/store.ts";
import { newApiKey } from "#shared/api-key.ts";
import type { ApiKeyDocument, ChannelDocument, CommandDocument } from "#shared/collections.ts";
import { type Collections, collections, ensureIndexes } from "#shared/database.ts";
import type { LocalConnector } from "#shared/local-connector.ts";
import { keyDocument } from "../support/documents.ts";
import { eventually } from "../support/eventually.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

/** An answer with its body, parsed if it is JSON. */
interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests inspect answers of every shape
  body: any;
}

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** The API key: by default an administrator's; null sends none. */
  key?: string | null;
}

/** The app on its own database, without a network or a connector: tests act as the connector. */
export interface FunctionsFixture extends AsyncDisposable {
  database: TestDatabase;
  db: Collections;
  /** Calls the app. Paths that start with `/channels`, `/commands`, `/events` or `/session` get the API's prefix. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  fetch(request: Request): Promise<Response>;
  addKey(fields?: Partial<ApiKeyDocument>): Promise<string>;
  /** Creates a channel; `fields` are those that a connector would have written. */
  addChannel(fields?: Partial<ChannelDocument>): Promise<string>;
  /** Adds the row of a live connector. */
  addConnector(): Promise<void>;
  /** Waits for the channel's next queued command of a type and ends it as a connector would. */
  settle(channelId: string, type: string, end: Partial<CommandDocument>): Promise<CommandDocument>;
  /** Waits for a command of this type on the channel. */
  command(channelId: string, type: string): Promise<CommandDocument>;
  /** The channel of each ring, in order. */
  rung: string[];
  /** Every line logged so far. */
  logged: string[];
}

export interface FixtureOptions {
  settings?: Partial<AppSettings>;
  assets?: ReadonlyMap<string, Asset>;
  sandboxUrl?: string;
  /** Wraps the store, to break it. */
  withStore?: (store: Store) => Store;
  ownedChannel?: LocalConnector["ownedChannel"];
  read?: (real: ReadCommandOutcome) => ReadCommandOutcome;
  eventDoorbell?: (events: Collections["events"]) => EventDoorbell;
}

const retention = { eventsDays: 7, messagesDays: 30 };

export async function functionsFixture(options: FixtureOptions = {}): Promise<FunctionsFixture> {
  const database = await testDatabase();
  await ensureIndexes(database.db, retention);
  const db = collections(database.db);
  const store = mongoStore(database.db, retention);
  const { app, rung, logged } = testApp(db, store, options);
  const rows = rowWriters(db, store);
  const adminKey = await rows.addKey();
  return {
    ...{ database, db, rung, logged, ...rows },
    fetch: async (request) => app.fetch(request),
    call: (method, path, call) => callApp(app, method, path, { key: adminKey, ...call }),
    settle: (channelId, type, end) =>
      eventually(() =>
        db.commands.findOneAndUpdate(
          { channelId, type, state: "queued" },
          { $set: { ...end, doneAt: new Date() } },
          { returnDocument: "after" },
        ),
      ),
    command: (channelId, type) => eventually(() => db.commands.findOne({ channelId, type })),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** The app, with the channels that it rang and the lines that it logged. */
function testApp(db: Collections, store: Store, options: FixtureOptions) {
  const rung: string[] = [];
  const logged: string[] = [];
  const read = mongoCommandOutcome(db.commands);
  const app = createApp({
    store: options.withStore?.(store) ?? store,
    results: pollingResults(options.read?.(read) ?? read, { pausesMs: [10] }),
    settings: {
      frontendOrigins: [],
      trustProxy: 0,
      sendTtlSeconds: 600,
      mediaAllowHosts: [],
      ...options.settings,
    },
    assets: options.assets ?? new Map(),
    ...(options.sandboxUrl && { sandboxUrl: options.sandboxUrl }),
    ...(options.eventDoorbell && { eventDoorbell: options.eventDoorbell(db.events) }),
    ...(options.ownedChannel && { ownedChannel: options.ownedChannel }),
    ring: (channelId) => void rung.push(channelId),
    log: pino({ level: "trace" }, { write: (line: string) => void logged.push(line) }),
  });
  return { app, rung, logged };
}

/** Calls the app and reads its answer. */
async function callApp(
  app: ReturnType<typeof createApp>,
  method: string,
  path: string,
  { body, headers = {}, key = null }: CallOptions,
): Promise<Answer> {
  const url = /^\/(channels|commands|events|session)/.test(path) ? `/api/whatsapp${path}` : path;
  const answer = await app.request(url, {
    method,
    headers: {
      ...(key !== null && { "X-Api-Key": key }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  return {
    status: answer.status,
    headers: answer.headers,
    body: isJson && text !== "" ? JSON.parse(text) : text,
  };
}

/** The documents that a test adds to the database, each under an id of its own. */
function rowWriters(db: Collections, store: Store) {
  return {
    async addKey(fields: Partial<ApiKeyDocument> = {}) {
      const key = newApiKey();
      await db.apiKeys.insertOne(keyDocument(key, fields));
      return key;
    },
    async addChannel(fields: Partial<ChannelDocument> = {}) {
      const channelId = randomUUID();
      await store.createChannel({ channelId, name: "Shop", metadata: {}, phoneNumber: null });
      if (Object.keys(fields).length > 0) await db.channels.updateOne({ _id: channelId }, { $set: fields });
      return channelId;
    },
    async addConnector() {
      await db.connectors.insertOne({
        _id: randomUUID(),
        name: "test",
        state: "alive",
        aliveUntil: new Date(Date.now() + 3_600_000),
        capacity: 10,
        startedAt: new Date(),
      });
    },
  };
}
