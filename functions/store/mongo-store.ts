import type { Db } from "mongodb";
import { authenticateKey, authenticateSession } from "#shared/authentication.ts";
import { boundedRead, type Collections, collections, missingIndexes } from "#shared/database.ts";
import { databaseAnswer } from "#shared/database-errors.ts";
import { ServiceError } from "#shared/errors.ts";
import type { Retention } from "#shared/indexes.ts";
import type { LocalConnector } from "#shared/local-connector.ts";
import { remembered } from "#shared/remembered.ts";
import type { LongRead } from "../events/event-view.ts";
import { mongoChannels } from "./mongo-channels.ts";
import { mongoCommands } from "./mongo-commands.ts";
import { mongoEvents } from "./mongo-events.ts";
import { mongoKeyedRequests } from "./mongo-keyed-requests.ts";
import { mongoMessages } from "./mongo-messages.ts";
import { mongoSessions } from "./mongo-sessions.ts";
import type { Store } from "./store.ts";

/** How long a living connector is remembered, so that requests of the same second share a read. */
const connectorKnownMs = 1_000;

/** Creates the store on MongoDB. The caller owns the client behind `db`. `connector` runs in this process. */
export function mongoStore(
  db: Db,
  retention: Retention,
  connector?: Pick<LocalConnector, "insertClaimed">,
): Store {
  const { channels, commands, connectors, events, messages, idempotencyKeys, ...keys } = collections(db);
  return withDeadlines({
    ...mongoSessions(keys.consoleSessions),
    ...mongoChannels(channels),
    ...mongoCommands(commands, connector),
    ...mongoMessages(messages, commands),
    ...mongoKeyedRequests(idempotencyKeys),
    ...mongoEvents(db.client, events, retention),
    byKey: (key) => authenticateKey(keys, key),
    bySession: (cookie) => authenticateSession(keys, cookie),
    // A connector that is missing may join at any moment, so that is never remembered.
    hasConnector: remembered(() => hasConnector(connectors), connectorKnownMs, Boolean),
    missingIndexes: () => missingIndexes(db, retention),
  });
}

async function hasConnector(connectors: Collections["connectors"]): Promise<boolean> {
  const alive = { state: "alive" as const, $expr: { $gt: ["$aliveUntil", "$$NOW"] } };
  return (await connectors.findOne(alive, { projection: { _id: 1 }, ...boundedRead })) !== null;
}

/** Lets every call throw `database_unavailable` when the database does not answer in time. */
function withDeadlines(store: Store): Store {
  return {
    byKey: withDeadline(store.byKey),
    bySession: withDeadline(store.bySession),
    createChannel: withDeadline(store.createChannel),
    findChannel: withDeadline(store.findChannel),
    findDeletedChannel: withDeadline(store.findDeletedChannel),
    listChannels: endedInTime(store.listChannels),
    updateChannel: withDeadline(store.updateChannel),
    setWish: withDeadline(store.setWish),
    markDeleted: withDeadline(store.markDeleted),
    insertCommand: withDeadline(store.insertCommand),
    insertDirect(...send) {
      const inserted = store.insertDirect(...send);
      return inserted === null ? null : databaseAnswer(inserted, boundedRead.maxTimeMS);
    },
    findCommand: withDeadline(store.findCommand),
    hasCommand: withDeadline(store.hasCommand),
    listCommands: endedInTime(store.listCommands),
    findSend: withDeadline(store.findSend),
    listMessages: endedInTime(store.listMessages),
    findMessages: endedInTime(store.findMessages),
    cancelCommand: withDeadline(store.cancelCommand),
    requeueCommand: withDeadline(store.requeueCommand),
    findRequest: withDeadline(store.findRequest),
    rememberRequest: withDeadline(store.rememberRequest),
    refuseRequest: withDeadline(store.refuseRequest),
    finishRequest: withDeadline(store.finishRequest),
    readChannelEvents: endedInTime(store.readChannelEvents),
    readEvents: endedInTime(store.readEvents),
    presentCursor: withDeadline(store.presentCursor),
    hasConnector: withDeadline(store.hasConnector),
    createSession: withDeadline(store.createSession),
    deleteSession: withDeadline(store.deleteSession),
    missingIndexes: withDeadline(store.missingIndexes),
  };
}

function withDeadline<G extends unknown[], T>(call: (...args: G) => Promise<T>): (...args: G) => Promise<T> {
  return (...args) => databaseAnswer(call(...args), boundedRead.maxTimeMS);
}

/** Like `withDeadline`, and ends the query with the request or at the deadline, whichever is first. */
function endedInTime<Q extends LongRead, T>(call: (query: Q) => Promise<T>): (query: Q) => Promise<T> {
  return async (query) => {
    const late = new AbortController();
    const signal = AbortSignal.any([query.signal, late.signal]);
    try {
      return await databaseAnswer(call({ ...query, signal }), boundedRead.maxTimeMS);
    } catch (error) {
      late.abort();
      throw query.signal.aborted
        ? new ServiceError("database_unavailable", "The client disconnected")
        : error;
    }
  };
}
