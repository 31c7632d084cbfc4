import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { Connection } from "../network/connection.ts";
import type { Network } from "../network/network.ts";
import { certificateChain, forgedChain } from "../wire/certificate-chain.ts";
import { frameBytesMax } from "../wire/frames.ts";
import { mayUpgrade } from "./upgrade-guard.ts";
import type { WhatsAppServer } from "./whatsapp-server.ts";

const host = "127.0.0.1";
const socketPath = "/ws/chat";
let lastId = 0;

export interface WebServerOptions {
  port: number;
  whatsapp: WhatsAppServer;
  /** Answers every request that is not a websocket upgrade. */
  request: (request: Request) => Response | Promise<Response>;
}

export interface WebServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  host: string;
}

/** Serves clients' websockets and the admin API on one port. Rejects if the port is taken. */
export async function startWebServer({ port, whatsapp, request }: WebServerOptions): Promise<WebServer> {
  const { network, handler } = whatsapp;
  const chain = certificateChain(network.state.server);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: frameBytesMax });
  const server = createServer(getRequestListener(request));
  server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const refusal = refusalFor(network, message);
    if (refusal) return refuse(socket, refusal);
    sockets.handleUpgrade(message, socket, head, (accepted) => {
      const id = `s${++lastId}`;
      const record = network.ledgers.sockets.opened(id, message.socket.remotePort ?? 0);
      network.connections.add(
        new Connection(accepted, record, network.state.server, shown(network, chain), handler),
      );
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const { port: actual } = server.address() as AddressInfo;
  return { host: `${host}:${actual}`, [Symbol.asyncDispose]: () => close(server, network) };
}

/** The chain to show in a handshake: the server's own unless it is to be forged. */
function shown({ rules, state }: Network, chain: Buffer): Buffer {
  if (rules.forgeries.has("root")) return forgedChain(state.server, "root");
  return rules.forgeries.has("leaf") ? forgedChain(state.server, "leaf") : chain;
}

interface Refusal {
  status: number;
  retryAfterSeconds?: number;
}

function refusalFor(network: Network, message: IncomingMessage): Refusal | null {
  if (message.url?.split("?")[0] !== socketPath) return { status: 404 };
  if (!mayUpgrade(message.headers)) return { status: 403 };
  const refusal = network.rules.takeRefusal();
  if (refusal) network.counts.refusedUpgrades += 1;
  return refusal;
}

function refuse(socket: Duplex, { status, retryAfterSeconds }: Refusal): void {
  const retryAfter = retryAfterSeconds === undefined ? "" : `Retry-After: ${retryAfterSeconds}\r\n`;
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n${retryAfter}\r\n`);
}

async function close(server: Server, network: Network): Promise<void> {
  for (const connection of network.connections) connection.drop("stopped");
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
