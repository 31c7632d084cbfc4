import { MongoClient } from "mongodb";

/**
 * A connector's client. Reads from the primary and writes to a majority, whatever the URI says. An operation without an
 * answer fails after 30 s. The caller closes the client.
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
