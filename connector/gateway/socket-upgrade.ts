import type { IncomingMessage, ServerOptions } from "node:http";

/**
 * Options of an HTTP server that Socket.io shares: only its websockets are upgrades. Any other offer to upgrade, such
 * as HTTP/2 from clients that prefer it, is declined by answering the request without an upgrade.
 */
export const socketUpgradesOnly = {
  shouldUpgradeCallback: ({ url, headers }: IncomingMessage) =>
    (url?.startsWith("/socket.io/") ?? false) && headers.upgrade?.toLowerCase() === "websocket",
} satisfies ServerOptions;
