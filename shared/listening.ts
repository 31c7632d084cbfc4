import { once } from "node:events";
import type { Server } from "node:http";

/** How long answers that are under way may take once the process is asked to end. */
const drainMs = 20_000;
const idleCheckMs = 50;

/** Lets a server of the caller's listen. Resolves with its URL; the port is the real one, also when 0 was asked for. */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  const real = typeof address === "object" ? address?.port : undefined;
  return `http://${host.includes(":") ? `[${host}]` : host}:${real}`;
}

/** Takes no more connections and resolves when what was asked is answered, or after 20 s. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  // A connection that has just been answered is kept alive by its client.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const late = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}
