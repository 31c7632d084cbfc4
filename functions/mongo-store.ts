import { type Db, ObjectId, Timestamp } from "mongodb";
import { authenticateKey, authenticateSession } from "../shared/authentication.ts";
import { channelType } from "../shared/channel.ts";
import type { ChannelDocument, Retention } from "../shared/collections.ts";
import { collections, missingIndexes } from "../shared/database.ts";
import { databaseAnswer } from "../shared/database-answer.ts";
import { mongoSessions } from "./mongo-sessions.ts";
import type { ChannelQuery, NewChannel, NewCommand, Store } from "./store.ts";

/** How long a caller waits for the database before it is told that it does not answer. */
const answerMsMax = 5_000;

/** A write that survives the loss of a server, or fails. */
const durably = { writeConcern: { w: "majority", j: true } } as const;

/** Everything the functions keep, in MongoDB. The caller owns the client behind `db`. */
export function mongoStore(db: Db, retention: Retention): Store {
  const { channels, commands, connectors, ...others } = collections(db);
  const existing = (channelId: string) => ({ _id: channelId, deletedAt: null });

  const store: Store = {
    ...mongoSessions(others.consoleSessions),
    byKey: (key) => authenticateKey(others, key, new Date()),
    bySession: (cookie) => authenticateSession(others, cookie, new Date()),

    async createChannel(channel) {
      const created = await channels.findOneAndUpdate({ _id: channel.channelId }, timed(inactive(channel)), {
        upsert: true,
        returnDocument: "after",
        ...durably,
      });
      if (!created) throw new Error("An upsert returned no document");
      return created;
    },
    async findChannel(channelId) {
      const [found] = await channels
        .aggregate<ChannelDocument & { now: Date }>([
          { $match: existing(channelId) },
          { $set: { now: "$$NOW" } },
        ])
        .toArray();
      if (!found) return null;
      const { now, ...channel } = found;
      return { channel, now };
    },
    listChannels: (query) => channels.find(filterOf(query)).sort({ _id: 1 }).limit(query.limit).toArray(),
    updateChannel: (channelId, changes) =>
      channels.findOneAndUpdate(
        existing(channelId),
        { $set: changes },
        { returnDocument: "after", ...durably },
      ),
    async setWish(channelId, wanted) {
      await channels.updateOne(existing(channelId), { $set: { wanted } }, durably);
    },
    async markDeleted(channelId) {
      const { matchedCount } = await channels.updateOne(
        existing(channelId),
        [{ $set: { deletedAt: "$$NOW", wanted: "disconnected" } }],
        durably,
      );
      return matchedCount === 1;
    },

    async insertCommand(command) {
      await commands.insertOne(queued(command), durably);
    },
    findCommand: (commandId) => commands.findOne({ _id: { $in: idsOf(commandId) } }),
    async hasConnector() {
      const alive = { state: "alive" as const, $expr: { $gt: ["$aliveUntil", "$$NOW"] } };
      return (await connectors.findOne(alive, { projection: { _id: 1 } })) !== null;
    },
    missingIndexes: () => missingIndexes(db, retention),
  };
  return answering(store);
}

/** The same store, every call of which throws `database_unavailable` in time. */
function answering(store: Store): Store {
  return {
    byKey: inTime(store.byKey),
    bySession: inTime(store.bySession),
    createChannel: inTime(store.createChannel),
    findChannel: inTime(store.findChannel),
    listChannels: inTime(store.listChannels),
    updateChannel: inTime(store.updateChannel),
    setWish: inTime(store.setWish),
    markDeleted: inTime(store.markDeleted),
    insertCommand: inTime(store.insertCommand),
    findCommand: inTime(store.findCommand),
    hasConnector: inTime(store.hasConnector),
    createSession: inTime(store.createSession),
    deleteSession: inTime(store.deleteSession),
    missingIndexes: inTime(store.missingIndexes),
  };
}

function inTime<G extends unknown[], T>(call: (...given: G) => Promise<T>): (...given: G) => Promise<T> {
  return (...given) => databaseAnswer(call(...given), answerMsMax);
}

function inactive({ channelId, name, metadata, phoneNumber }: NewChannel) {
  return {
    _id: channelId,
    channelId,
    type: channelType,
    name,
    metadata,
    config: { phoneNumber, qrCode: null, pairingCode: null },
    pairing: null,
    status: "inactive",
    reason: null,
    retryAt: null,
    lastDisconnect: null,
    wanted: "disconnected",
    owner: { connector: null, epoch: 0 },
    lid: null,
    deletedAt: null,
  } satisfies Omit<ChannelDocument, "createdAt" | "lastStatusUpdate">;
}

/** `$literal`: what callers write may start with a `$`. */
function timed(channel: ReturnType<typeof inactive>) {
  const times = { createdAt: "$$NOW", lastStatusUpdate: "$$NOW" };
  return [{ $replaceWith: { $mergeObjects: [{ $literal: channel }, times] } }];
}

function filterOf({ channelIds, status, after }: ChannelQuery) {
  return {
    deletedAt: null,
    ...(status && { status }),
    ...((channelIds || after) && {
      _id: { ...(channelIds && { $in: [...channelIds] }), ...(after && { $gt: after }) },
    }),
  };
}

/**
 * A plain insert, because only there the server fills `ord`, and never twice with the same value (measured on 6.0.5: an
 * upsert leaves 0, and `$$CLUSTER_TIME` repeats under load).
 */
function queued({ commandId, ...command }: NewCommand) {
  return {
    _id: commandId,
    ...command,
    ord: new Timestamp({ t: 0, i: 0 }),
    state: "queued" as const,
    attempts: 0,
    notBefore: command.createdAt,
  };
}

/** A command that another service inserted without an id has an ObjectId, which callers spell in hex. */
function idsOf(commandId: string): string[] {
  if (!/^[0-9a-f]{24}$/.test(commandId)) return [commandId];
  return [commandId, ObjectId.createFromHexString(commandId) as unknown as string];
}
