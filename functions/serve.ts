import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Config } from "../shared/config.ts";
import type { Logger } from "../shared/log.ts";
import { functionsMongoClient } from "./mongo-client.ts";
import { startNodeApp } from "./node-app.ts";

/** How long answers that are under way may take once the process is asked to end. */
const drainMs = 20_000;
const idleCheckMs = 50;
const requestMsMax = 60_000;

/** Functions that listen. Disposal stops listening, lets what runs finish, and closes the database's client. */
export interface ListeningFunctions extends AsyncDisposable {
  /** Where they listen; the port is the real one, also when 0 was asked for. */
  url: string;
}

/** Starts the functions with a database client of their own. Throws as `startNodeApp`, or when the port is taken. */
export async function serveFunctions(
  config: Config & { mongoUri: string },
  log: Logger,
): Promise<ListeningFunctions> {
  await using owned = new AsyncDisposableStack();
  const client = owned.adopt(functionsMongoClient(config.mongoUri), (opened) => opened.close());
  const app = owned.use(await startNodeApp({ db: client.db(), config, log }));
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer({ requestTimeout: requestMsMax }, (request, response) => {
    void listener(request, response);
  });
  server.listen(config.port, config.host);
  await once(server, "listening");
  const url = urlOf(server, config.host);
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

async function stopListening(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // A connection that has just been answered is kept alive by its client.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const late = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
