import type { MongoClient, ServerType } from "mongodb";

/** A replica set's primary, a router, a load balancer, and a server of its own. */
const writable: readonly ServerType[] = ["RSPrimary", "Mongos", "LoadBalancer", "Standalone"];

/**
 * Follows what the driver knows of the servers. Call it before the client connects. The returned function tells whether a server
 * that takes writes is known: the driver forgets it as soon as a connection to it breaks.
 */
export function reachablePrimary(client: MongoClient): () => boolean {
  let isKnown = false;
  client.on("topologyDescriptionChanged", ({ newDescription: { servers } }) => {
    isKnown = servers.values().some(({ type }) => writable.includes(type));
  });
  return () => isKnown;
}
