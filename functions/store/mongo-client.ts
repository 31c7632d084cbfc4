import { MongoClient } from "mongodb";

/** How long a connection may be idle before it is replaced instead of used. */
const idleMsMax = 60_000;

/** Creates a client that connects when first used and fails within seconds without a database. The caller closes it. */
export function functionsMongoClient(uri: string, idleMs = idleMsMax): MongoClient {
  return new MongoClient(uri, {
    appName: "waypost-functions",
    maxPoolSize: 50,
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 3_000,
    waitQueueTimeoutMS: 3_000,
    // A platform that freezes the process between requests, or a NAT, drops idle connections without notice: a request
    // on such a one would wait until its deadline.
    maxIdleTimeMS: idleMs,
    socketTimeoutMS: 15_000,
    // Overrides the URI: an answer is a promise, and decisions need the primary's latest data.
    readPreference: "primary",
    writeConcern: { w: "majority", journal: true },
  });
}
