/** Starts an HTTP server, and stops it once its requests are answered. */

import { once } from "node:events";
import type { Server } from "node:http";
import type { Socket } from "node:net";

/** How long requests in flight may take once the process is asked to stop. */
const drainMs = 20_000;
/** How long a connection may still deliver a request that is on its way. */
const requestMs = 500;
const idleCheckMs = 50;

/** Connections without a request yet, such as browsers open ahead. Node counts them as busy (24.21, a test shows it). */
const silent = new WeakMap<Server, Set<Socket>>();

/** Makes the caller's server listen. Resolves with its URL, which has the real port even if `port` is 0. */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  silent.set(server, silentConnections(server));
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  const real = typeof address === "object" ? address?.port : undefined;
  return `http://${host.includes(":") ? `[${host}]` : host}:${real}`;
}

/**
 * Accepts no more connections, and resolves once every request is answered, or after 20 s. The owners of upgraded
 * connections close them; those still open at the end are cut.
 */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  // Clients keep connections alive after a response.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const silence = setTimeout(() => cut(silent.get(server)), requestMs);
  const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(silence);
  clearTimeout(deadline);
}

function silentConnections(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("request", ({ socket }) => sockets.delete(socket));
  return sockets;
}

function cut(sockets: Iterable<Socket> = []): void {
  for (const socket of sockets) socket.destroy();
}
