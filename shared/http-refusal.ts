/** Answers requests that no application can answer, because they are not usable HTTP. */

import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { errorEnvelope, ServiceError } from "./errors.ts";
import type { Logger } from "./log.ts";

const notHttp = { status: 400, message: "The request is not valid HTTP" };

/** The refusal for each error of Node's HTTP parser; all others are `notHttp`. */
const refusals = new Map([
  ["HPE_HEADER_OVERFLOW", { status: 431, message: "The headers are too large" }],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", { status: 413, message: "The chunk extensions are too large" }],
  ["ERR_HTTP_REQUEST_TIMEOUT", { status: 408, message: "The request did not arrive in time" }],
]);

/** Answers malformed HTTP on its socket, by the code of the parser's error, and closes the connection. */
export function writeRefusal(socket: Duplex, parserError: string, log: Logger): void {
  const { status, message } = refusals.get(parserError) ?? notHttp;
  const { headers, body } = refusal(new ServiceError("invalid_request", message), status, log);
  const lines = Object.entries({
    ...headers,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`, () => socket.destroy());
}

/** Answers a request that is HTTP but that cannot be handled, with `invalid_request`. */
export function refuseRequest(response: ServerResponse, message: string, log: Logger): void {
  const error = new ServiceError("invalid_request", message);
  const { headers, body } = refusal(error, error.status, log);
  response.writeHead(error.status, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
}

/** The headers and body that refuse a request, logged under its id. */
export function refusal(error: ServiceError, status: number, log: Logger) {
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
