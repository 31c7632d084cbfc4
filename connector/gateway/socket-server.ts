import type { Server as HttpServer, IncomingMessage } from "node:http";
import { Server } from "socket.io";
import type { GatewayLimits } from "./limits.ts";
import { isScriptRequest, originProblem } from "./origin.ts";
import { UnauthenticatedConnections } from "./unauthenticated.ts";

/** Socket.io, and the connections that have not presented a key. */
export interface SocketServer {
  io: Server;
  /** Connections that joined without a key; the handshake adds them. */
  keyless: UnauthenticatedConnections;
  /** Call when the connection has presented a key or is gone. */
  settle: (connection: object) => void;
  /** Refuses new connections and closes all others; clients see a lost connection and reconnect elsewhere. */
  close: () => void;
}

/**
 * Runs Socket.io on `server`: path `/socket.io/`, both transports, and the client's script. No adapter and no
 * connection-state recovery, which would restore a socket's rooms before its key is verified.
 */
export function createSocketServer(
  server: HttpServer,
  origins: readonly string[],
  limits: GatewayLimits,
): SocketServer {
  const arriving = new UnauthenticatedConnections();
  const keyless = new UnauthenticatedConnections();
  let isClosing = false;
  const io = new Server(server, {
    path: "/socket.io/",
    ...(origins.length > 0 && { cors: { origin: [...origins], credentials: true } }),
    maxHttpBufferSize: limits.packetBytesMax,
    pingInterval: 25_000,
    pingTimeout: 20_000,
    connectTimeout: limits.authenticateMs,
    allowRequest: (request, answer) => {
      const problem = isClosing ? "Closing" : requestProblem(request);
      answer(problem, problem === null);
    },
  });
  io.engine.on(
    "connection",
    (connection: { remoteAddress: string; once(event: "close", f: () => void): void }) => {
      arriving.add(connection, connection.remoteAddress);
      connection.once("close", () => settle(connection));
    },
  );
  return { io, keyless, settle, close };

  function settle(connection: object): void {
    arriving.delete(connection);
    keyless.delete(connection);
  }

  function requestProblem({ headers, url, socket }: IncomingMessage): string | null {
    if (isScriptRequest(url)) return "JSONP is not supported";
    if (io.engine.clientsCount >= limits.connectionsMax) return "Too many connections";
    const waiting = arriving.count(socket.remoteAddress ?? "");
    if (waiting >= limits.arrivingPerAddressMax) return "Too many connections without an API key";
    return originProblem(headers, origins);
  }

  function close(): void {
    isClosing = true;
    // Not `io.close()`, which also closes the HTTP server; not a disconnect, after which clients do not reconnect.
    io.engine.close();
  }
}
