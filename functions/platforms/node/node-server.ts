import { createServer, type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { errorEnvelope, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { NodeApp } from "./node-app.ts";

const requestMsMax = 60_000;

/** What Node says of a request that it cannot read; everything else is 400. */
const unreadableStatus = new Map([
  ["HPE_HEADER_OVERFLOW", 431],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", 413],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
]);

export interface NodeServerOptions extends Pick<NodeApp, "fetch"> {
  log: Logger;
  /** What else the server is told, such as which upgrades it takes. */
  server?: ServerOptions;
}

/**
 * A server for the app that does not listen yet. What never reaches the app, because it is not HTTP or names no address,
 * is answered in the same form as everything else, as long as it can be answered at all.
 */
export function nodeServer({ fetch, log, server = {} }: NodeServerOptions): Server {
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    errorHandler: (thrown) => unreachedAnswer(thrown, log),
  });
  const underWay = new WeakMap<Duplex, ServerResponse>();
  // A request without a `Host` would be answered by Node itself.
  const options = { ...server, requestTimeout: requestMsMax, requireHostHeader: false };
  return createServer(options, (request, response) => {
    underWay.set(request.socket, response);
    void listener(request, response);
  }).on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const response = underWay.get(socket);
    const isAnswering = response?.headersSent && !response.writableFinished;
    if (!socket.writable || isAnswering) socket.destroy();
    else socket.end(unreadableAnswer(error.code ?? "", log), () => socket.destroy());
  });
}

/** The request is HTTP, but no URL can be made of it. */
function unreachedAnswer(thrown: unknown, log: Logger): Response {
  const isRefused = thrown instanceof RequestError;
  const error = new ServiceError(isRefused ? "invalid_request" : "internal", undefined, { cause: thrown });
  const { headers, body } = refusal(error, error.status, log);
  return new Response(body, { status: error.status, headers });
}

/** The bytes of an answer to what is not HTTP. */
function unreadableAnswer(reason: string, log: Logger): string {
  const status = unreadableStatus.get(reason) ?? 400;
  const error = new ServiceError("invalid_request", "The request is not HTTP that can be read");
  const { headers, body } = refusal(error, status, log);
  const lines = Object.entries({
    ...headers,
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`;
}

function refusal(error: ServiceError, status: number, log: Logger) {
  const requestId = crypto.randomUUID();
  log[status >= 500 ? "error" : "info"](
    { requestId, status, errorCode: error.code },
    "request refused unread",
  );
  return {
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": requestId },
    body: JSON.stringify(errorEnvelope(error, requestId)),
  };
}
