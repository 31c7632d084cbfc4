import { createServer, type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { errorEnvelope, ServiceError } from "#shared/errors.ts";
import type { Logger } from "#shared/log.ts";
import type { NodeApp } from "./node-app.ts";

const requestMsMax = 60_000;

/** The status for errors of Node's HTTP parser; all others are 400. */
const parserErrorStatus = new Map([
  ["HPE_HEADER_OVERFLOW", 431],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", 413],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
]);

export interface NodeServerOptions extends Pick<NodeApp, "fetch"> {
  log: Logger;
  /** Further options of the server, such as which upgrades it accepts. */
  server?: ServerOptions;
}

/**
 * Creates a server for the app; the caller lets it listen. A request that never reaches the app, because it is malformed
 * HTTP or has no usable URL, still gets an error envelope while its socket is writable.
 */
export function nodeServer({ fetch, log, server = {} }: NodeServerOptions): Server {
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    errorHandler: (thrown) => refuseRequest(thrown, log),
  });
  const responses = new WeakMap<Duplex, ServerResponse>();
  // Otherwise Node itself would answer a request without a `Host`, without an envelope.
  const options = { ...server, requestTimeout: requestMsMax, requireHostHeader: false };
  return createServer(options, (request, response) => {
    responses.set(request.socket, response);
    void listener(request, response);
  }).on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const response = responses.get(socket);
    const isAnswering = response?.headersSent && !response.writableFinished;
    if (!socket.writable || isAnswering) socket.destroy();
    else socket.end(refuseBytes(error.code ?? "", log), () => socket.destroy());
  });
}

/** Answers a request that is HTTP but has no usable URL. */
function refuseRequest(thrown: unknown, log: Logger): Response {
  const isClientFault = thrown instanceof RequestError;
  const error = new ServiceError(isClientFault ? "invalid_request" : "internal", undefined, {
    cause: thrown,
  });
  const { headers, body } = refusal(error, error.status, log);
  return new Response(body, { status: error.status, headers });
}

/** Returns the bytes that answer malformed HTTP. */
function refuseBytes(parserError: string, log: Logger): string {
  const status = parserErrorStatus.get(parserError) ?? 400;
  const error = new ServiceError("invalid_request", "The request is not valid HTTP");
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
    { event: "request_refused", requestId, status, errorCode: error.code },
    "request refused before it reached the app",
  );
  return {
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": requestId },
    body: JSON.stringify(errorEnvelope(error, requestId)),
  };
}
