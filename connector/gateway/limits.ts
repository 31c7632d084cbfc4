/** Every bound of the gateway. */
export interface GatewayLimits {
  /** How long a connection may stay without a key, counted from its first request. */
  authenticateMs: number;
  /** Joins of one connection, and failed authentications of one socket, after which it is closed. */
  authenticationTries: number;
  /** Connections of one address that have not presented a key. One more closes the oldest of them. */
  anonymousPerAddressMax: number;
  /** Connections of all addresses that have not presented a key. One more closes the oldest of them. */
  anonymousMax: number;
  /** Connections whose key is being verified, which are not counted as anonymous meanwhile. */
  verifyingMax: number;
  connectionsMax: number;
  /** Packets of one connection per second, and at once: heartbeats, acknowledgements and requests. */
  packetsPerSecond: number;
  packetsBurst: number;
  /** Bytes of all packets of one connection per second, and at once. */
  bytesPerSecond: number;
  bytesBurst: number;
  /** Bytes of one packet from a client, and of the body of one poll. */
  packetBytesMax: number;
  /** Frames of one message over a websocket. */
  fragmentsMax: number;
  /** Reads in which one frame arrives. A message of many tiny reads costs more than its bytes. */
  chunksMax: number;
  /** Probes of one websocket that offers to replace polling. A client sends one. */
  probesMax: number;
  /** How often a connection is pinged, and how long the answer may take. */
  pingMs: number;
  pongMs: number;
  /** How long a websocket may take to replace polling. */
  upgradeMs: number;
  /** How long a connection that is being closed may take to receive what is unsent, and to agree. */
  lingerMs: number;
  subscriptionsPerSocketMax: number;
  /** Requests of one client per second, and at once; 0 per second is no limit. */
  requestsPerSecond: number;
  requestsBurst: number;
  /** Requests of one client that wait for an earlier one, and the size of their payloads together. */
  waitingRequestsMax: number;
  waitingBytesMax: number;
  /** Consecutive refused requests, after which the socket is closed. */
  refusalsMax: number;
  /** How long one request may wait for the database. */
  requestMs: number;
  /** Unsent packets of one client, beyond which its next request waits until it has received them. */
  answersUnsentMax: number;
  /** Unsent packets of one connection without a key, beyond which it is closed. */
  anonymousUnsentMax: number;
  /** Unsent packets of one client, and their size, beyond which it is closed. */
  writeBufferMax: number;
  writeBytesMax: number;
  /** How long a client may take to receive what is unsent before its next request or the next page of missed events. */
  drainMs: number;
  /** The size of missed events that are sent before the client has received the ones before. */
  replayBytesMax: number;
  /** Pages of missed events that are read at once, for all clients. */
  replayReadsMax: number;
  /** How often keys are rechecked. The sockets of a revoked key must be closed within 60 s. */
  recheckMs: number;
  /** How long a client that lost its connection may take to return with its identity. Longer than `recheckMs`. */
  returnMs: number;
  /** How often the log is read without a notification. */
  sweepMs: number;
}

/** The default bounds. */
export const defaultLimits: GatewayLimits = {
  authenticateMs: 10_000,
  authenticationTries: 3,
  anonymousPerAddressMax: 500,
  anonymousMax: 2_000,
  verifyingMax: 1_000,
  connectionsMax: 10_000,
  packetsPerSecond: 100,
  packetsBurst: 1_000,
  bytesPerSecond: 32 * 1024,
  bytesBurst: 256 * 1024,
  packetBytesMax: 64 * 1024,
  fragmentsMax: 64,
  chunksMax: 1_024,
  probesMax: 2,
  pingMs: 25_000,
  pongMs: 20_000,
  upgradeMs: 10_000,
  lingerMs: 3_000,
  subscriptionsPerSocketMax: 500,
  requestsPerSecond: 50,
  requestsBurst: 600,
  waitingRequestsMax: 600,
  waitingBytesMax: 256 * 1024,
  refusalsMax: 200,
  requestMs: 5_000,
  answersUnsentMax: 20,
  anonymousUnsentMax: 50,
  writeBufferMax: 1_000,
  writeBytesMax: 16 * 1024 * 1024,
  drainMs: 20_000,
  replayBytesMax: 1024 * 1024,
  replayReadsMax: 16,
  recheckMs: 25_000,
  returnMs: 120_000,
  sweepMs: 10_000,
};
