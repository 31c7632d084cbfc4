/** Assembles the HTTP functions into one app that runs wherever `fetch` does. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { Dependencies } from "./dependencies.ts";
import { apiPrefix } from "./http/openapi.ts";
import { accessLog } from "./middleware/access-log.ts";
import { answerError, answerMethodNotAllowed, answerNotFound } from "./middleware/answer-error.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { type RequestEnv, requestId } from "./middleware/request-id.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { apiDocsRoutes } from "./routes/api-docs.ts";
import { channelRoutes } from "./routes/channels.ts";
import { commandListRoutes } from "./routes/command-list.ts";
import { commandRoutes } from "./routes/commands.ts";
import { connectionRoutes } from "./routes/connection.ts";
import { consoleRoutes } from "./routes/console.ts";
import { deletionRoutes } from "./routes/deletion.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { messageListRoutes } from "./routes/message-list.ts";
import { messageRoutes } from "./routes/messages.ts";
import { pairingRoutes } from "./routes/pairing.ts";
import { sessionRoutes } from "./routes/session.ts";
import { cachedAuthentication } from "./store/cached-authentication.ts";

/** Creates the app: `app.fetch(request)` answers every request and never throws. */
export function createApp(deps: Dependencies): OpenAPIHono<RequestEnv> {
  const app = new OpenAPIHono<RequestEnv>();
  app.use(requestId, accessLog(deps.log), securityHeaders);
  app.use(`${apiPrefix}/*`, crossOrigin(deps.settings.frontendOrigins));
  app.use("/openapi.json", crossOrigin(deps.settings.frontendOrigins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethodNotAllowed }));
  app.onError(answerError(deps.log));
  app.notFound(answerNotFound);

  const authentication = cachedAuthentication(deps.store);
  app.route(apiPrefix, sessionRoutes(deps, authentication));
  app.use(`${apiPrefix}/*`, authenticate(authentication));
  app.route(apiPrefix, channelRoutes(deps));
  app.route(apiPrefix, connectionRoutes(deps));
  app.route(apiPrefix, deletionRoutes(deps));
  app.route(apiPrefix, pairingRoutes(deps));
  app.route(apiPrefix, messageRoutes(deps));
  app.route(apiPrefix, messageListRoutes(deps));
  app.route(apiPrefix, commandListRoutes(deps));
  app.route(apiPrefix, commandRoutes(deps));
  app.route(apiPrefix, eventRoutes(deps));
  app.route("/", healthRoutes(deps));
  app.route("/", apiDocsRoutes(app, deps));
  app.route("/", consoleRoutes(deps));
  return app;
}
