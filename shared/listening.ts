/** Starts an HTTP server, and stops it once its requests are answered. */

import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";

/** How long requests in flight may take once the process is asked to stop. */
const drainMs = 20_000;
/** How long a connection may still deliver a request that is on its way. */
const requestMs = 500;
const idleCheckMs = 50;

/** The connections that a server ends when it stops. */
interface Open {
  /** Connections without a request yet, such as browsers open ahead. Node counts them as busy (24.21, a test shows it). */
  silent: Set<Socket>;
  responses: Set<ServerResponse>;
  isStopping: boolean;
}

const opened = new WeakMap<Server, Open>();

/** Makes the caller's server listen. Resolves with its URL, which has the real port even if `port` is 0. */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  opened.set(server, track(server));
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  const real = typeof address === "object" ? address?.port : undefined;
  return `http://${host.includes(":") ? `[${host}]` : host}:${real}`;
}

/**
 * Accepts no more connections, and resolves once every request is answered, or after 20 s. From now on each answer
 * closes its connection; one that is idle stays open for a moment, because a request may be on its way. The owners of
 * upgraded connections close them; those still open at the end are cut.
 */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const open = opened.get(server);
  if (open) closeAfterAnswers(open);
  const closed = once(server, "close");
  // The method of the HTTP server also closes idle connections, at once. Bun has only that one.
  if (server instanceof NetServer) NetServer.prototype.close.call(server);
  else (server as Server).close();
  let idle: NodeJS.Timeout | undefined;
  const silence = setTimeout(() => {
    cut(open?.silent);
    idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  }, requestMs);
  const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(silence);
  clearInterval(idle);
  clearTimeout(deadline);
}

function track(server: Server): Open {
  const open: Open = { silent: new Set(), responses: new Set(), isStopping: false };
  server.on("connection", (socket) => {
    open.silent.add(socket);
    socket.once("close", () => open.silent.delete(socket));
  });
  // First, because a later listener may answer at once.
  server.prependListener("request", ({ socket }, response) => {
    open.silent.delete(socket);
    open.responses.add(response);
    response.once("close", () => open.responses.delete(response));
    if (open.isStopping) closeAfterwards(response);
  });
  return open;
}

function closeAfterAnswers(open: Open): void {
  open.isStopping = true;
  for (const response of open.responses) closeAfterwards(response);
}

function closeAfterwards(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}

function cut(sockets: Iterable<Socket> = []): void {
  for (const socket of sockets) socket.destroy();
}
