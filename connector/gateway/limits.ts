/** Every bound of the gateway. */
export interface GatewayLimits {
  /** How long a socket may stay without a key. */
  authenticateMs: number;
  /** Failed authentications of one socket, after which it is closed. */
  authenticationTries: number;
  /** Connections of one address that have joined without a key and not shown one yet. */
  unauthenticatedPerAddressMax: number;
  /** Those and the ones that have not joined yet: a key comes only with the joining. */
  arrivingPerAddressMax: number;
  connectionsMax: number;
  subscriptionsPerSocketMax: number;
  /** What a client may ask per second, and at once; 0 per second is no limit. */
  requestsPerSecond: number;
  requestsBurst: number;
  /** Refused requests in a row, after which the socket is closed. */
  refusalsMax: number;
  /** How long one request may wait for the database. */
  requestMs: number;
  /** Packets that wait for a client to take them. */
  writeBufferMax: number;
  /** How long a client may take over a page of what it missed, a few hundred events. */
  drainMs: number;
  /** Pages of missed events that are read at once, for all clients. */
  replayReadsMax: number;
  /** Bytes of one packet from a client. */
  packetBytesMax: number;
  /** How often keys are looked at again. A revoked key must be out within 60 s. */
  recheckMs: number;
  /** How often the log is read without being told to. */
  sweepMs: number;
}

/** The bounds of a gateway that is given none. */
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
