/** Every bound of the gateway. */
export interface GatewayLimits {
  /** How long a socket may stay without a key. */
  authenticateMs: number;
  /** Failed authentications of one socket, after which it is closed. */
  authenticationTries: number;
  /** Connections of one address that have joined without a key and have not presented one yet. */
  unauthenticatedPerAddressMax: number;
  /** Those plus the connections that have not joined yet: a key arrives only when a client joins. */
  arrivingPerAddressMax: number;
  connectionsMax: number;
  subscriptionsPerSocketMax: number;
  /** Requests of one client per second, and at once; 0 per second is no limit. */
  requestsPerSecond: number;
  requestsBurst: number;
  /** Consecutive refused requests, after which the socket is closed. */
  refusalsMax: number;
  /** How long one request may wait for the database. */
  requestMs: number;
  /** Unsent packets of one client, beyond which it is closed. */
  writeBufferMax: number;
  /** How long a client may take to receive a page of missed events, a few hundred. */
  drainMs: number;
  /** Pages of missed events that are read at once, for all clients. */
  replayReadsMax: number;
  /** Bytes of one packet from a client. */
  packetBytesMax: number;
  /** How often keys are rechecked. The sockets of a revoked key must be closed within 60 s. */
  recheckMs: number;
  /** How often the log is read without a notification. */
  sweepMs: number;
}

/** The default bounds. */
export const defaultLimits: GatewayLimits = {
  authenticateMs: 10_000,
  authenticationTries: 3,
  unauthenticatedPerAddressMax: 50,
  arrivingPerAddressMax: 1_000,
  connectionsMax: 10_000,
  subscriptionsPerSocketMax: 500,
  requestsPerSecond: 50,
  requestsBurst: 600,
  refusalsMax: 200,
  requestMs: 5_000,
  writeBufferMax: 1_000,
  drainMs: 20_000,
  replayReadsMax: 16,
  packetBytesMax: 64 * 1024,
  recheckMs: 25_000,
  sweepMs: 10_000,
};
