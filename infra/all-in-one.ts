import { attachGateway } from "#connector/gateway/gateway.ts";
import { socketUpgradesOnly } from "#connector/gateway/socket-upgrade.ts";
import { connectorMongoClient } from "#connector/mongo-client.ts";
import { connectorTopics, openConnector } from "#connector/serve.ts";
import type { Timings } from "#connector/timings.ts";
import { startNodeApp } from "#functions/platforms/node/node-app.ts";
import { nodeServer } from "#functions/platforms/node/node-server.ts";
import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import { createChangeHub } from "#shared/change-hub.ts";
import type { Config } from "#shared/config.ts";
import { listen, stopListening } from "#shared/listening.ts";
import type { Logger } from "#shared/log.ts";
import { reachablePrimary } from "./reachable-primary.ts";

export interface WaypostOptions {
  config: Config & { mongoUri: string };
  /** The address of the simulated phone, which the console links to. */
  sandboxUrl?: string;
  timings?: Partial<Timings>;
  log: Logger;
}

/** How much later this process may notice what others write, while it is busy itself: it need not read about each own write. */
const restMs = 50;

/** Functions, connector, gateway and console in one process, on one port. Disposal stops them in order. */
export interface Waypost extends AsyncDisposable {
  /** Holds the actual port, even if the configured one is 0. */
  url: string;
  /** Rejects when the connector fails. */
  failed: Promise<never>;
}

/** Throws `UnsupportedMongoError`, and errors of the MongoDB driver and of listening. */
export async function startWaypost({ config, timings, log, sandboxUrl }: WaypostOptions): Promise<Waypost> {
  await using owned = new AsyncDisposableStack();
  const forConnector = owned.adopt(connectorMongoClient(config.mongoUri), (client) => client.close());
  const forFunctions = owned.adopt(functionsMongoClient(config.mongoUri), (client) => client.close());
  const reachable = [reachablePrimary(forConnector), reachablePrimary(forFunctions)];
  const changes = owned.use(
    createChangeHub({
      db: forConnector.db(),
      log,
      topics: [...connectorTopics, "command_ended"],
      withRows: true,
      restMs,
    }),
  );
  const connector = owned.use(await openConnector(forConnector.db(), config, log, changes, timings));
  const app = await startNodeApp({
    db: forFunctions.db(),
    changes,
    connector: {
      // Without a primary, a request is to fail by a read, which leaves no doubt, and not by an insertion.
      ownedChannel: (channelId) => (reachable.every((is) => is()) ? connector.ownedChannel(channelId) : null),
      insertClaimed: connector.insertClaimed,
    },
    config,
    log,
    ...(sandboxUrl ? { sandboxUrl } : {}),
  });
  const server = nodeServer({
    fetch: app.fetch,
    log,
    keepAliveSeconds: config.keepAliveSeconds,
    server: socketUpgradesOnly,
  });
  owned.defer(async () => {
    const stopped = connector.stop();
    const closed = stopListening(server);
    // Answers requests that still wait for a result with what is known so far.
    await app[Symbol.asyncDispose]();
    await Promise.all([closed, stopped]);
  });
  const gateway = await attachGateway({
    server,
    db: forConnector.db(),
    changes,
    origins: config.frontendOrigins,
    trustProxy: config.trustProxy,
    log,
  });
  owned.defer(() => gateway.close());
  const url = await listen(server, config.port, config.host);
  const kept = owned.move();
  return { url, failed: connector.failed, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
