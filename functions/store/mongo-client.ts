import { MongoClient } from "mongodb";

/** Creates a client that connects when first used and fails within seconds without a database. The caller closes it. */
export function functionsMongoClient(uri: string): MongoClient {
  return new MongoClient(uri, {
    appName: "waypost-functions",
    maxPoolSize: 50,
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 3_000,
    waitQueueTimeoutMS: 3_000,
    socketTimeoutMS: 15_000,
    // Overrides the URI: an answer is a promise, and decisions need the primary's latest data.
    readPreference: "primary",
    writeConcern: { w: "majority", journal: true },
  });
}
