import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import type { GatewayLimits } from "./limits.ts";
import type { EngineConnection } from "./unsent.ts";

/** Returns the class of websocket server that Engine.IO creates: it bounds what Engine.IO's options do not name. */
export function boundedWebSocketServer({
  fragmentsMax,
  chunksMax,
  lingerMs,
}: GatewayLimits): new (
  options: ServerOptions,
) => WebSocketServer {
  return class extends WebSocketServer {
    constructor(options: ServerOptions) {
      const bounds = { maxFragments: fragmentsMax, maxBufferedChunks: chunksMax, closeTimeout: lingerMs };
      super({ ...options, ...bounds });
    }
  };
}

/** Destroys the websocket of a connection, which would otherwise wait for the client to agree. */
export function destroyWebSocket(conn: EngineConnection): void {
  webSocketOf(conn)?.terminate();
}

/** Null while the connection polls. */
export function webSocketOf({ transport }: EngineConnection): WebSocket | null {
  const websocket: unknown = Reflect.get(transport, "socket");
  return websocket instanceof WebSocket ? websocket : null;
}
