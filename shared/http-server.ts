/** Creates the HTTP server of every process: one set of bounds, default headers and answers to malformed requests. */

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { defaultHttpLimits, type HttpLimits } from "./http-limits.ts";
import { refuseRequest, writeRefusal } from "./http-refusal.ts";
import type { Logger } from "./log.ts";
import { requestIdOf } from "./request-id.ts";

export interface HttpServerOptions {
  log: Logger;
  /** How long a connection without a request stays open: longer than clients and load balancers keep theirs. */
  keepAliveSeconds: number;
  /** Further options of the server, such as which upgrades it accepts. */
  server?: ServerOptions;
  limits?: Partial<HttpLimits>;
}

/**
 * Creates a server; the caller lets it listen. Every answer has the default headers, also those of Socket.io. A request
 * that never reaches the listener, because it is malformed HTTP, still gets an error envelope while its socket is
 * writable.
 */
export function createHttpServer(
  { log, keepAliveSeconds, server = {}, limits: given }: HttpServerOptions,
  listener: RequestListener,
): Server {
  const limits = { ...defaultHttpLimits, ...given };
  const responses = new WeakMap<Duplex, ServerResponse>();
  const options: ServerOptions = {
    ...server,
    ServerResponse: boundedResponse(limits.unansweredMax),
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: limits.headerBytesMax,
    keepAliveTimeout: keepAliveSeconds * 1_000,
    // Otherwise Node itself would answer a request without a `Host`, without an envelope.
    requireHostHeader: false,
  };
  const created = createServer(options, (request, response) => {
    if (request.socket.destroyed) return;
    responses.set(request.socket, response);
    if (completeHost(request)) listener(request, response);
    else refuseRequest(response, "The Host header is missing", log);
  }).on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const response = responses.get(socket);
    const isAnswering = response?.headersSent && !response.writableFinished;
    const { code = "" } = error;
    const isSilent = !response && !code.startsWith("HPE_") && hasNoBytes(socket);
    if (socket.writable && !isAnswering && !isSilent) writeRefusal(socket, code, log);
    else socket.destroy();
  });
  created.maxConnections = limits.connectionsMax;
  created.timeout = limits.silenceMs;
  return created;
}

/**
 * A response with the default headers. It cuts a connection with too many unanswered requests: Node parses and holds
 * pipelined ones without a limit, so a client that never reads could fill the memory with its answers.
 */
function boundedResponse(unansweredMax: number): typeof ServerResponse {
  const unanswered = new WeakMap<Duplex, number>();
  return class extends ServerResponse {
    constructor(...args: ConstructorParameters<typeof ServerResponse>) {
      super(...args);
      const [{ socket, url, headers }] = args;
      this.setHeader("X-Content-Type-Options", "nosniff");
      this.setHeader("Cross-Origin-Resource-Policy", isSharedScript(url) ? "cross-origin" : "same-origin");
      this.setHeader("X-Request-Id", requestIdOf(headers["x-request-id"]));
      const count = (unanswered.get(socket) ?? 0) + 1;
      unanswered.set(socket, count);
      this.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      if (count > unansweredMax) socket.destroy();
    }
  } as typeof ServerResponse;
}

/** Pages of other origins may load Socket.io's client from here. */
function isSharedScript(url = ""): boolean {
  return /^\/socket\.io\/[\w.-]+\.js(\.map)?(\?|$)/.test(url);
}

/**
 * Gives an HTTP/1.0 request without a `Host`, as load balancers send to check health, the address that it arrived at.
 * False for a later version, which needs the header (RFC 9112 §3.2).
 */
function completeHost({ headers, httpVersionMajor, httpVersionMinor, socket }: IncomingMessage): boolean {
  if (headers.host !== undefined) return true;
  if (httpVersionMajor !== 1 || httpVersionMinor !== 0) return false;
  const { localAddress = "localhost", localPort } = socket;
  headers.host = `${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
  return true;
}

/**
 * Browsers open connections ahead, and balancers check that one opens: both may send nothing. Bun does not count bytes, so
 * a request or an error of the parser shows there that something came.
 */
function hasNoBytes(socket: Duplex): boolean {
  return "bytesRead" in socket && socket.bytesRead === 0;
}
