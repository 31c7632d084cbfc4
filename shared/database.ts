/** The typed collections, their indexes, and the check for a replica set. The caller owns the client. */

import type { Collection, Db, Document, IndexDescription, ListIndexesOptions } from "mongodb";
import {
  type ApiKeyDocument,
  type ChannelDocument,
  type ChatDocument,
  type CollectionName,
  type CommandDocument,
  type ConnectorDocument,
  type ConsoleSessionDocument,
  type EventDocument,
  type IdempotencyKeyDocument,
  type MessageDocument,
  collectionNames as names,
  type PairingRequestDocument,
  type SocketSessionDocument,
} from "./collections.ts";
import { formerIndexes, indexes, type Retention } from "./indexes.ts";

/** The write concern behind every promise: such a write survives the loss of any minority of servers. */
export const durable = { writeConcern: { w: "majority", j: true } } as const;

/** Ends a read on the server once its caller has stopped waiting. */
export const boundedRead = { maxTimeMS: 5_000 } as const;

/** The collections, typed. */
export interface Collections {
  channels: Collection<ChannelDocument>;
  commands: Collection<CommandDocument>;
  events: Collection<EventDocument>;
  messages: Collection<MessageDocument>;
  chats: Collection<ChatDocument>;
  connectors: Collection<ConnectorDocument>;
  apiKeys: Collection<ApiKeyDocument>;
  consoleSessions: Collection<ConsoleSessionDocument>;
  socketSessions: Collection<SocketSessionDocument>;
  pairingRequests: Collection<PairingRequestDocument>;
  idempotencyKeys: Collection<IdempotencyKeyDocument>;
}

/**
 * Other services write commands, too. The driver would reject a whole answer for one text that is not UTF-8, or for one
 * regular expression that JavaScript cannot compile.
 */
const readable = { enableUtf8Validation: false, bsonRegExp: true } as const;

/** The collections of a database, under the names that all services use. */
export function collections(db: Db): Collections {
  return {
    channels: db.collection(names.channels),
    commands: db.collection(names.commands, readable),
    events: db.collection(names.events),
    messages: db.collection(names.messages),
    chats: db.collection(names.chats),
    connectors: db.collection(names.connectors),
    apiKeys: db.collection(names.apiKeys),
    consoleSessions: db.collection(names.consoleSessions),
    socketSessions: db.collection(names.socketSessions),
    pairingRequests: db.collection(names.pairingRequests),
    idempotencyKeys: db.collection(names.idempotencyKeys),
  };
}

/** The server is no replica set. A standalone one has neither change streams nor transactions. */
export class UnsupportedMongoError extends Error {
  override readonly name = "UnsupportedMongoError";
}

const standalone =
  "MONGO_URI points to a standalone MongoDB server. Waypost needs a replica set; one member is enough: " +
  "start mongod with --replSet rs0 and run rs.initiate() once.";
const sharded =
  "MONGO_URI points to a sharded cluster. Waypost needs a replica set, and has not been tested on sharded clusters.";

/** Throws `UnsupportedMongoError` unless the server is a replica set member. */
export async function assertReplicaSet(db: Db): Promise<void> {
  const problem = topologyProblem(await db.admin().command({ hello: 1 }));
  if (problem) throw new UnsupportedMongoError(problem);
}

/** Says what is wrong with a server that answers `hello` like this. A mongos calls itself `isdbgrid`. */
export function topologyProblem({ setName, msg }: Document): string | null {
  if (setName) return null;
  return msg === "isdbgrid" ? sharded : standalone;
}

/**
 * Creates missing indexes, adjusts those that differ and drops those of former versions. Several processes may run it at once.
 * One collection after the other: a starting process opens two connections at a time, and on a busy machine a queue for them
 * ended its start.
 */
export async function ensureIndexes(db: Db, retention: Retention): Promise<void> {
  for (const [name, wanted] of Object.entries(indexes(retention))) {
    const collection = db.collection(name);
    await adjustExisting(collection, wanted, formerIndexes[name as CollectionName]);
    await collection.createIndexes(wanted);
  }
}

/** Names of the indexes that are missing, as `collection.index`. */
export async function missingIndexes(db: Db, retention: Retention): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, wanted] of Object.entries(indexes(retention))) {
    const existing = await existingIndexes(db.collection(name), boundedRead);
    const absent = wanted.filter((index) => !existing.has(index.name ?? ""));
    missing.push(...absent.map((index) => `${name}.${index.name}`));
  }
  return missing;
}

/** Drops former indexes and those with other keys, and changes lifetimes: `createIndexes` refuses a name that is taken by another index. */
async function adjustExisting(
  collection: Collection<Document>,
  wanted: IndexDescription[],
  former: readonly string[] = [],
): Promise<void> {
  const existing = await existingIndexes(collection);
  for (const name of former) {
    if (existing.has(name)) await collection.dropIndex(name).catch(ignoreMissing);
  }
  for (const { name = "", key, expireAfterSeconds } of wanted) {
    const old = existing.get(name);
    if (!old) continue;
    if (JSON.stringify(old.key) !== JSON.stringify(key))
      await collection.dropIndex(name).catch(ignoreMissing);
    else if (old.expireAfterSeconds !== expireAfterSeconds) {
      await collection.db.command({
        collMod: collection.collectionName,
        index: { name, expireAfterSeconds },
      });
    }
  }
}

async function existingIndexes(
  collection: Collection<Document>,
  options: ListIndexesOptions = {},
): Promise<Map<string, IndexDescription>> {
  const existing = await collection.listIndexes(options).toArray().catch(ignoreMissing);
  return new Map(existing.map((index): [string, IndexDescription] => [index.name, index]));
}

/** Ignores a missing collection (26) or index (27): it never existed, or another process won the race. */
function ignoreMissing(error: unknown): [] {
  if (error instanceof Error && "code" in error && (error.code === 26 || error.code === 27)) return [];
  throw error;
}
