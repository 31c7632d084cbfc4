import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Timestamp } from "mongodb";
import { io } from "socket.io-client";
import { newApiKey } from "#shared/api-key.ts";
import { collections, ensureIndexes } from "#shared/database.ts";
import { newEventId } from "#shared/ids.ts";
import { startChild } from "../support/child.ts";
import { channelDocument, keyDocument } from "../support/documents.ts";
import { eventually } from "../support/eventually.ts";
import { databaseOf } from "../support/system.ts";
import { testDatabase } from "../support/test-database.ts";

const main = new URL("../../infra/main.ts", import.meta.url);
const patience = { withinMs: 20_000 };

/** Starts everything in one process of its own, with two tenants and a good client of one of them. */
export async function startHostileTarget(given: { uri: string } | undefined) {
  await using owned = new AsyncDisposableStack();
  const database = owned.use(await (given ? databaseOf(given) : testDatabase()));
  const { uri } = database;
  const db = collections(database.db);
  await ensureIndexes(database.db, { eventsDays: 7, messagesDays: 30 });
  const [victim, own] = [channelDocument({ name: newApiKey() }), channelDocument()];
  await db.channels.insertMany([victim, own]);
  const [goodKey, tenantKey] = [newApiKey(), newApiKey()];
  const scopes = [
    "channels:read",
    "channels:write",
    "messages:read",
    "messages:send",
    "events:read",
  ] as const;
  await db.apiKeys.insertMany([
    keyDocument(goodKey, { scopes: [...scopes], channels: [victim.channelId] }),
    keyDocument(tenantKey, { scopes: [...scopes], channels: [own.channelId] }),
  ]);
  const env = {
    ...{ MONGO_URI: uri, PORT: "0", API_KEY: newApiKey(), LOG_LEVEL: "warn", TRUST_PROXY: "1" },
    ...{ ENCRYPTION_KEY: randomBytes(32).toString("base64"), WHATSAPP_ROOT_KEY: "0a".repeat(32) },
    WHATSAPP_WEBSOCKET_URL: "ws://127.0.0.1:9/",
  };
  const child = owned.use(startChild(main, [], { env }));
  const [, url = ""] = await child.prints(/Waypost: (http:\S+)/);
  const socket = io(url, { auth: { apiKey: goodKey }, transports: ["websocket"] });
  owned.defer(() => void socket.close());
  const heard = new Set<unknown>();
  socket.on("connect", () => socket.emit("subscribe_channel", { channelId: victim.channelId }));
  socket.on("incoming_message", ({ seq }: { seq: number }) => heard.add(seq));
  const subscribed = Promise.withResolvers<void>();
  socket.on("subscribed", () => subscribed.resolve());
  await subscribed.promise;
  let seq = 0;
  const kept = owned.move();
  return {
    url,
    tenantKey,
    channelIds: { victim: victim.channelId, own: own.channelId },
    /** Texts that only the other tenant may see. */
    marker: victim.name,
    /** Throws unless the good client's connection, a new one, and its HTTP requests are served. */
    async assertServes() {
      seq += 1;
      const [ord, timestamp] = [new Timestamp({ t: 0, i: 0 }), new Date()];
      const event = { seq, ord, type: "incoming_message", timestamp, data: { message: victim.name } };
      await db.events.insertOne({ _id: newEventId(), channelId: victim.channelId, ...event });
      const headers = { "X-Api-Key": goodKey };
      const { status } = await fetch(`${url}/api/whatsapp/channels/${victim.channelId}`, { headers });
      if (status !== 200) throw new Error(`the good client's request answers ${status}`);
      await eventually(() => heard.has(seq), patience);
      await assertJoins(url, goodKey);
    },
    /** Bytes of memory of the process: now, or the most that it ever had. */
    async memory(which: "VmRSS" | "VmHWM"): Promise<number> {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
    },
    failure: () => child.err,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function assertJoins(url: string, apiKey: string): Promise<void> {
  const socket = io(url, { auth: { apiKey }, forceNew: true, reconnectionDelay: 100 });
  try {
    const joined = Promise.withResolvers<void>();
    socket.on("authenticated", () => joined.resolve());
    socket.on("connect_error", (error) => {
      if ("data" in error && error.data) joined.reject(error);
    });
    const late = setTimeout(() => joined.reject(new Error("a good client could not join in 20 s")), 20_000);
    await joined.promise;
    clearTimeout(late);
  } finally {
    socket.close();
  }
}
