import { functionsMongoClient } from "#functions/store/mongo-client.ts";
import { createChangeHub } from "#shared/change-hub.ts";
import type { Config } from "#shared/config.ts";
import { listen, stopListening } from "#shared/listening.ts";
import type { Logger } from "#shared/log.ts";
import { startNodeApp } from "./node-app.ts";
import { nodeServer } from "./node-server.ts";

/** Disposal stops listening, lets requests in progress finish and closes the database client. */
export interface ListeningFunctions extends AsyncDisposable {
  /** The address; its port is the real one even if the configured port is 0. */
  url: string;
}

/** Starts the functions with a database client of their own. Throws like `startNodeApp`, and when the port is taken. */
export async function serveFunctions(
  config: Config & { mongoUri: string },
  log: Logger,
): Promise<ListeningFunctions> {
  await using owned = new AsyncDisposableStack();
  const client = owned.adopt(functionsMongoClient(config.mongoUri), (opened) => opened.close());
  const changes = owned.use(createChangeHub({ db: client.db(), log }));
  const app = owned.use(await startNodeApp({ db: client.db(), changes, config, log }));
  const server = nodeServer({ fetch: app.fetch, log, keepAliveSeconds: config.keepAliveSeconds });
  const url = await listen(server, config.port, config.host);
  const kept = owned.move();
  return {
    url,
    async [Symbol.asyncDispose]() {
      const closed = stopListening(server);
      await app[Symbol.asyncDispose]();
      await closed;
      await kept.disposeAsync();
    },
  };
}
