import type { Server } from "node:http";
import { getRequestListener, RequestError } from "@hono/node-server";
import { ServiceError } from "#shared/errors.ts";
import { refusal } from "#shared/http-refusal.ts";
import { createHttpServer, type HttpServerOptions } from "#shared/http-server.ts";
import type { Logger } from "#shared/log.ts";
import type { NodeApp } from "./node-app.ts";

export type NodeServerOptions = HttpServerOptions & Pick<NodeApp, "fetch">;

/** Creates a server for the app; the caller lets it listen. A request without a usable URL gets an error envelope. */
export function nodeServer({ fetch, ...options }: NodeServerOptions): Server {
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    errorHandler: (thrown) => refuseUrl(thrown, options.log),
  });
  return createHttpServer(options, (request, response) => void listener(request, response));
}

/** Answers a request that is HTTP but has no usable URL. */
function refuseUrl(thrown: unknown, log: Logger): Response {
  const isClientFault = thrown instanceof RequestError;
  const error = new ServiceError(isClientFault ? "invalid_request" : "internal", undefined, {
    cause: thrown,
  });
  const { headers, body } = refusal(error, error.status, log);
  return new Response(body, { status: error.status, headers });
}
