import type { Db } from "mongodb";
import { authenticateKey, authenticateSession } from "#shared/authentication.ts";
import { collections, missingIndexes } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-answer.ts";
import type { Retention } from "#shared/indexes.ts";
import { mongoChannels } from "./mongo-channels.ts";
import { mongoCommands } from "./mongo-commands.ts";
import { mongoEvents } from "./mongo-events.ts";
import { mongoKeyedRequests } from "./mongo-keyed-requests.ts";
import { mongoSessions } from "./mongo-sessions.ts";
import type { Store } from "./store.ts";

/** How long a caller waits for the database before it is told that it does not answer. */
const answerMsMax = 5_000;

/** Everything the functions keep, in MongoDB. The caller owns the client behind `db`. */
export function mongoStore(db: Db, retention: Retention): Store {
  const { channels, commands, connectors, events, idempotencyKeys, ...keys } = collections(db);
  return answering({
    ...mongoSessions(keys.consoleSessions),
    ...mongoChannels(channels),
    ...mongoCommands(commands),
    ...mongoKeyedRequests(idempotencyKeys),
    ...mongoEvents(db.client, events, retention),
    byKey: (key) => authenticateKey(keys, key, new Date()),
    bySession: (cookie) => authenticateSession(keys, cookie, new Date()),
    async hasConnector() {
      const alive = { state: "alive" as const, $expr: { $gt: ["$aliveUntil", "$$NOW"] } };
      return (await connectors.findOne(alive, { projection: { _id: 1 } })) !== null;
    },
    missingIndexes: () => missingIndexes(db, retention),
  });
}

/** The same store, every call of which throws `database_unavailable` in time. */
function answering(store: Store): Store {
  return {
    byKey: inTime(store.byKey),
    bySession: inTime(store.bySession),
    createChannel: inTime(store.createChannel),
    findChannel: inTime(store.findChannel),
    findDeletedChannel: inTime(store.findDeletedChannel),
    listChannels: inTime(store.listChannels),
    updateChannel: inTime(store.updateChannel),
    setWish: inTime(store.setWish),
    markDeleted: inTime(store.markDeleted),
    insertCommand: inTime(store.insertCommand),
    findCommand: inTime(store.findCommand),
    hasCommand: inTime(store.hasCommand),
    listCommands: inTime(store.listCommands),
    cancelCommand: inTime(store.cancelCommand),
    requeueCommand: inTime(store.requeueCommand),
    findRequest: inTime(store.findRequest),
    rememberRequest: inTime(store.rememberRequest),
    refuseRequest: inTime(store.refuseRequest),
    finishRequest: inTime(store.finishRequest),
    readChannelEvents: inTime(store.readChannelEvents),
    readEvents: inTime(store.readEvents),
    presentCursor: inTime(store.presentCursor),
    hasConnector: inTime(store.hasConnector),
    createSession: inTime(store.createSession),
    deleteSession: inTime(store.deleteSession),
    missingIndexes: inTime(store.missingIndexes),
  };
}

function inTime<G extends unknown[], T>(call: (...given: G) => Promise<T>): (...given: G) => Promise<T> {
  return (...given) => databaseAnswer(call(...given), answerMsMax);
}
