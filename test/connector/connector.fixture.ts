import { randomUUID } from "node:crypto";
import { Timestamp } from "mongodb";
import { afterAll, beforeAll } from "vitest";
import { channelType } from "#shared/channel.ts";
import type { ChannelDocument, CommandDocument } from "#shared/collections.ts";
import { type Collections, collections, ensureIndexes } from "#shared/database.ts";
import { createLog } from "#shared/log.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

export const quiet = createLog("silent");

/** A database with the product's indexes, for one test file. */
export function fileDatabase(): { readonly database: TestDatabase; readonly all: Collections } {
  let database: TestDatabase | undefined;
  const present = () => {
    if (!database) throw new Error("The database does not exist before beforeAll");
    return database;
  };
  beforeAll(async () => {
    database = await testDatabase();
    await ensureIndexes(database.db, { eventsDays: 7, messagesDays: 30 });
  });
  afterAll(() => database?.[Symbol.asyncDispose]());
  return {
    get database() {
      return present();
    },
    get all() {
      return collections(present().db);
    },
  };
}

/** A channel as a function creates it. */
export function channelDocument(fields: Partial<ChannelDocument> = {}): ChannelDocument {
  const _id = fields._id ?? randomUUID();
  return {
    _id,
    channelId: _id,
    type: channelType,
    name: "A channel",
    metadata: {},
    config: { phoneNumber: null, qrCode: null, pairingCode: null },
    pairing: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    lastDisconnect: null,
    lastStatusUpdate: new Date(),
    wanted: "disconnected",
    owner: { connector: null, epoch: 0 },
    lid: null,
    createdAt: new Date(),
    deletedAt: null,
    ...fields,
  };
}

/** A command as a function inserts it; the database assigns `ord`. */
export function commandDocument(channelId: string, fields: Partial<CommandDocument> = {}): CommandDocument {
  const now = Date.now();
  return {
    _id: randomUUID(),
    channelId,
    type: "message.send",
    lane: 1,
    ord: new Timestamp({ t: 0, i: 0 }),
    state: "queued",
    payload: { to: "15550100001@s.whatsapp.net", content: { type: "text", text: "Hello" } },
    attempts: 0,
    notBefore: new Date(now - 1_000),
    expiresAt: new Date(now + 600_000),
    createdAt: new Date(now),
    ...fields,
  };
}
