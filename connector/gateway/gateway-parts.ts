import type { Collections } from "#shared/database.ts";
import type { Logger } from "#shared/log.ts";
import type { Feeds } from "./channel-feeds.ts";
import type { Connections } from "./connections.ts";
import type { GatewayLimits } from "./limits.ts";
import type { SocketSessions } from "./socket-sessions.ts";

/** Shared by the parts of a gateway. */
export interface GatewayParts {
  db: Collections;
  connections: Connections;
  sessions: SocketSessions;
  feeds: Feeds;
  limits: GatewayLimits;
  log: Logger;
}
