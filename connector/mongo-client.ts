import { MongoClient } from "mongodb";

/**
 * A connector's client. What decides is read from the primary and written to a majority, whatever the URI says.
 * Nothing waits for ever: an operation that hears nothing for 30 s fails. The caller closes it.
 */
export function connectorMongoClient(uri: string): MongoClient {
  return new MongoClient(uri, {
    appName: "waypost-connector",
    readPreference: "primary",
    writeConcern: { w: "majority" },
    maxPoolSize: 100,
    serverSelectionTimeoutMS: 5_000,
    connectTimeoutMS: 5_000,
    waitQueueTimeoutMS: 10_000,
    socketTimeoutMS: 30_000,
  });
}
