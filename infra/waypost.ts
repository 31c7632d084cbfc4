import { attachGateway } from "#connector/gateway/gateway.ts";
import { socketUpgradesOnly } from "#connector/gateway/socket-upgrade.ts";
import { connectorMongoClient } from "#connector/mongo-client.ts";
import { openConnector } from "#connector/serve.ts";
import type { Timings } from "#connector/timings.ts";
import { startNodeApp } from "#functions/platforms/node/node-app.ts";
import { nodeServer } from "#functions/platforms/node/node-server.ts";
import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import type { Config } from "#shared/config.ts";
import { listen, stopListening } from "#shared/listening.ts";
import type { Logger } from "#shared/log.ts";

export interface WaypostOptions {
  config: Config & { mongoUri: string };
  /** Where the simulated phone is; the console links to it. */
  sandboxUrl?: string;
  timings?: Partial<Timings>;
  log: Logger;
}

/** Functions, connector, gateway and console in one process, on one port. Disposal stops them in order. */
export interface Waypost extends AsyncDisposable {
  /** The port is the real one, also when 0 was asked for. */
  url: string;
  /** Rejects when the connector cannot go on. */
  failed: Promise<never>;
}

/** Throws `StandaloneMongoError`, and what the driver or the port throws. */
export async function startWaypost({ config, timings, log, sandboxUrl }: WaypostOptions): Promise<Waypost> {
  await using owned = new AsyncDisposableStack();
  const forConnector = owned.adopt(connectorMongoClient(config.mongoUri), (client) => client.close());
  const forFunctions = owned.adopt(functionsMongoClient(config.mongoUri), (client) => client.close());
  const connector = owned.use(await openConnector(forConnector.db(), config, log, timings));
  const app = await startNodeApp({
    db: forFunctions.db(),
    config,
    log,
    ring: (channelId) => connector.ring(channelId),
    ...(sandboxUrl ? { sandboxUrl } : {}),
  });
  const server = nodeServer({ fetch: app.fetch, log, server: socketUpgradesOnly });
  owned.defer(async () => {
    const stopped = connector.stop();
    const closed = stopListening(server);
    // Ends what still waits for a result, with what is known.
    await app[Symbol.asyncDispose]();
    await Promise.all([closed, stopped]);
  });
  const gateway = await attachGateway({
    server,
    db: forConnector.db(),
    origins: config.frontendOrigins,
    log,
  });
  owned.defer(() => gateway.close());
  const url = await listen(server, config.port, config.host);
  const kept = owned.move();
  return { url, failed: connector.failed, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
