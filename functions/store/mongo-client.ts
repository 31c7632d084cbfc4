import { MongoClient } from "mongodb";

/** A client that notices within seconds that the database is away. Connects at its first use; the caller closes it. */
export function functionsMongoClient(uri: string): MongoClient {
  return new MongoClient(uri, {
    appName: "waypost-functions",
    maxPoolSize: 50,
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 3_000,
    waitQueueTimeoutMS: 3_000,
    socketTimeoutMS: 15_000,
    // Whatever the URI says: an answer is a promise, and what decides is read where it was written.
    readPreference: "primary",
    writeConcern: { w: "majority", journal: true },
  });
}
