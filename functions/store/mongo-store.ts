import type { Db } from "mongodb";
import { authenticateKey, authenticateSession } from "#shared/authentication.ts";
import { collections, missingIndexes } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import type { Retention } from "#shared/indexes.ts";
import { mongoChannels } from "./mongo-channels.ts";
import { mongoCommands } from "./mongo-commands.ts";
import { mongoEvents } from "./mongo-events.ts";
import { mongoKeyedRequests } from "./mongo-keyed-requests.ts";
import { mongoSessions } from "./mongo-sessions.ts";
import type { Store } from "./store.ts";

/** How long a call waits for the database before it throws `database_unavailable`. */
const answerMsMax = 5_000;

/** Creates the store on MongoDB. The caller owns the client behind `db`. */
export function mongoStore(db: Db, retention: Retention): Store {
  const { channels, commands, connectors, events, idempotencyKeys, ...keys } = collections(db);
  return withDeadlines({
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

/** Lets every call throw `database_unavailable` when the database does not answer in time. */
function withDeadlines(store: Store): Store {
  return {
    byKey: withDeadline(store.byKey),
    bySession: withDeadline(store.bySession),
    createChannel: withDeadline(store.createChannel),
    findChannel: withDeadline(store.findChannel),
    findDeletedChannel: withDeadline(store.findDeletedChannel),
    listChannels: withDeadline(store.listChannels),
    updateChannel: withDeadline(store.updateChannel),
    setWish: withDeadline(store.setWish),
    markDeleted: withDeadline(store.markDeleted),
    insertCommand: withDeadline(store.insertCommand),
    findCommand: withDeadline(store.findCommand),
    hasCommand: withDeadline(store.hasCommand),
    listCommands: withDeadline(store.listCommands),
    cancelCommand: withDeadline(store.cancelCommand),
    requeueCommand: withDeadline(store.requeueCommand),
    findRequest: withDeadline(store.findRequest),
    rememberRequest: withDeadline(store.rememberRequest),
    refuseRequest: withDeadline(store.refuseRequest),
    finishRequest: withDeadline(store.finishRequest),
    readChannelEvents: withDeadline(store.readChannelEvents),
    readEvents: withDeadline(store.readEvents),
    presentCursor: withDeadline(store.presentCursor),
    hasConnector: withDeadline(store.hasConnector),
    createSession: withDeadline(store.createSession),
    deleteSession: withDeadline(store.deleteSession),
    missingIndexes: withDeadline(store.missingIndexes),
  };
}

function withDeadline<G extends unknown[], T>(call: (...args: G) => Promise<T>): (...args: G) => Promise<T> {
  return (...args) => databaseAnswer(call(...args), answerMsMax);
}
