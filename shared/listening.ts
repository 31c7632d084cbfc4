import { once } from "node:events";
import type { Server } from "node:http";
import type { Socket } from "node:net";

/** How long answers that are under way may take once the process is asked to end. */
const drainMs = 20_000;
/** How long a connection may still ask something that was on its way. */
const askMs = 500;
const idleCheckMs = 50;

/** Connections that asked nothing yet, such as browsers open ahead; Node takes them for busy (24.21, a test shows it). */
const silent = new WeakMap<Server, Set<Socket>>();

/** Lets a server of the caller's listen. Resolves with its URL; the port is the real one, also when 0 was asked for. */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  silent.set(server, silentConnections(server));
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  const real = typeof address === "object" ? address?.port : undefined;
  return `http://${host.includes(":") ? `[${host}]` : host}:${real}`;
}

/**
 * Takes no more connections and resolves when what was asked is answered, or after 20 s. Upgraded connections are for
 * their owner to close; those still open are cut.
 */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  // A connection that has just been answered is kept alive by its client.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const unasked = setTimeout(() => cut(silent.get(server)), askMs);
  const late = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(unasked);
  clearTimeout(late);
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
