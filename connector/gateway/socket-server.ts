import type { Server as HttpServer, IncomingMessage } from "node:http";
import { Server } from "socket.io";
import type { Logger } from "#shared/log.ts";
import { boundedWebSocketServer } from "./bounded-websockets.ts";
import { serveClientScripts } from "./client-scripts.ts";
import type { Connections } from "./connections.ts";
import type { GatewayLimits } from "./limits.ts";
import { isScriptRequest, originProblem } from "./origin.ts";
import type { EngineConnection } from "./unsent.ts";

/** Socket.io on an HTTP server. */
export interface SocketServer {
  io: Server;
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
  connections: Connections,
  limits: GatewayLimits,
  log: Logger,
): SocketServer {
  let isClosing = false;
  const io = new Server(server, {
    path: "/socket.io/",
    serveClient: false,
    ...(origins.length > 0 && { cors: { origin: [...origins], credentials: true } }),
    maxHttpBufferSize: limits.packetBytesMax,
    pingInterval: limits.pingMs,
    pingTimeout: limits.pongMs,
    connectTimeout: limits.authenticateMs,
    upgradeTimeout: limits.upgradeMs,
    wsEngine: boundedWebSocketServer(limits),
    allowRequest: (request, answer) => {
      const problem = isClosing ? "Closing" : requestProblem(request);
      answer(problem, problem === null);
    },
  });
  serveClientScripts(server, origins, log);
  io.engine.on("connection", (conn: EngineConnection) => connections.open(conn));
  return { io, close };

  function requestProblem({ headers, url }: IncomingMessage): string | null {
    if (isScriptRequest(url)) return "JSONP is not supported";
    return originProblem(headers, origins) ?? (connections.makeRoom() ? null : "Too many connections");
  }

  function close(): void {
    isClosing = true;
    // Not `io.close()`, which also closes the HTTP server; not a disconnect, after which clients do not reconnect.
    io.engine.close();
  }
}
