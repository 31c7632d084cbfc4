import type { Binary, Timestamp } from "mongodb";
import type { ChannelStatus, channelType, StatusReason } from "./channel.ts";
import type { CommandState } from "./commands.ts";
import type { PublicError } from "./errors.ts";
import type { LastDisconnect, MessageStatus } from "./events.ts";
import type { Scope } from "./scopes.ts";

/** A QR or pairing code that waits to be used; gone when used, expired or disconnected. */
export interface PendingPairing {
  kind: "qr" | "code";
  /** The raw pairing text of the QR, or the code to type. */
  text: string;
  attempt: number;
  of: number;
  expiresAt: Date;
}

export interface ChannelDocument {
  /** Equal to `channelId`. */
  _id: string;
  channelId: string;
  type: typeof channelType;
  name: string;
  metadata: Record<string, unknown>;
  /** What other services may read too, so it keeps its shape. `qrCode` is a PNG data URL. */
  config: { phoneNumber: string | null; qrCode: string | null; pairingCode: string | null };
  /** The number that was named at create: no other account may link. `config.phoneNumber` is also filled in by linking. */
  givenNumber?: string | null;
  pairing: PendingPairing | null;
  status: ChannelStatus;
  reason: StatusReason | null;
  retryAt: Date | null;
  lastDisconnect: LastDisconnect | null;
  lastStatusUpdate: Date;
  /** What was asked for last: after a restart this, not `status`, decides what is reconnected. */
  wanted: "connected" | "disconnected";
  /** Whose it is. `epoch` rises with every owner, and never falls. `movedAt`: when it was last moved to balance. */
  owner: { connector: string | null; epoch: number; movedAt?: Date };
  /** The linked account's LID, once known. */
  lid: string | null;
  createdAt: Date;
  /** Set by delete: from then on the channel does not exist for callers; the owner erases what is left. */
  deletedAt: Date | null;
}

/** `queued` commands have no claim; `claim.epoch` is the owner's at the time. */
export interface CommandDocument {
  /** What another service inserted without one has an ObjectId here. */
  _id: string;
  channelId: string;
  /** A `CommandType`; a plain string, because other services insert documents too. */
  type: string;
  lane: 0 | 1 | 2;
  /** Filled by the server at insert (`Timestamp(0,0)`): first in, first out, without a counter or client clocks. */
  ord: Timestamp;
  state: CommandState;
  payload: unknown;
  /** Fixed at accept; only for messages. */
  messageId?: string;
  keyId?: string;
  attempts: number;
  claim?: { connector: string; epoch: number; at: Date };
  /** The epoch of the newest owner that found it queued at its takeover: an older one cannot claim it any more. */
  claimableFrom?: number;
  notBefore: Date;
  expiresAt: Date;
  createdAt: Date;
  /** Set before the stanza may reach the wire: from here on a failure without an answer is `unknown`. */
  relayStartedAt?: Date;
  /** The JID of the account that it was to go out from: a second time goes out from no other. */
  relayedBy?: string;
  /** Set before an `unknown` send may reach the wire a second time; it never does a third time. */
  resentAt?: Date;
  result?: Record<string, unknown>;
  error?: PublicError;
  doneAt?: Date;
}

/** One row per logged event, and one fence row per channel (`<channelId>/fence`, without `seq`). */
export interface EventDocument {
  _id: string;
  channelId: string;
  seq: number;
  /**
   * Filled by the server at insert (`Timestamp(0,0)`): the order across channels. Concurrent inserts may become visible
   * in another one, by less than `eventInsertMsMax`; within a channel it is the order of `seq`.
   */
  ord: Timestamp;
  /** The owner's that wrote it: along `seq` it never falls. */
  epoch?: number;
  type: string;
  timestamp: Date;
  data: Record<string, unknown>;
}

/** An insert into the log that takes longer does not happen: so long may a row appear behind ones with a higher `ord`. */
export const eventInsertMsMax = 10_000;

/**
 * The fence of a channel in a collection: a bulk that begins with an older `epoch` than it holds is refused. `n` counts
 * its writes. Only in `events`: `lastSeq`, the last number given, for when retention has emptied the log, and `writtenSeq`,
 * the last one before that write, which is there for certain. `session` only in `whatsapp_auth_keys`: the server session
 * of the owner, as the driver names it. An erased channel's have the field of their collection's TTL index, too.
 */
export interface FenceDocument {
  _id: string;
  channelId: string;
  epoch: number;
  n: number;
  lastSeq?: number;
  writtenSeq?: number;
  session?: { id: Binary };
}

/** The `_id` of the fence row of a channel. */
export function fenceId(channelId: string): string {
  return `${channelId}/fence`;
}

/** A projection of the log: what was seen, for deduplication, statuses and answers to retry receipts. */
export interface MessageDocument {
  /** `<channelId>/out/<messageId>`, or `<channelId>/in/<chat>/<sender>/<messageId>`. */
  _id: string;
  channelId: string;
  messageId: string;
  direction: "in" | "out";
  /** The chat's JID. */
  chat: string;
  sender: string | null;
  type: string;
  status: MessageStatus | null;
  statusRank: number;
  /** The encoded `proto.Message` of what was sent, for a contact that asks again; gone with the row. */
  proto?: Binary;
  timestamp: Date;
}

export interface ConnectorDocument {
  _id: string;
  /** `CONNECTOR_ID`: only one live process has it. */
  name: string;
  /** `dead` cannot be left. */
  state: "alive" | "draining" | "dead";
  aliveUntil: Date;
  capacity: number;
  startedAt: Date;
}

export interface ApiKeyDocument {
  /** The key's id, safe to show. */
  _id: string;
  name: string;
  /** SHA-256 of the key, hex. */
  hash: string;
  scopes: Scope[];
  channels: string[] | null;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** A console session: the cookie's SHA-256 → the key that made it. */
export interface ConsoleSessionDocument {
  _id: string;
  keyId: string;
  createdAt: Date;
  expiresAt: Date;
}

/** When pairing codes were asked for, for the limit of 5 an hour for one number. */
export interface PairingRequestDocument {
  _id: string;
  phoneNumber: string;
  at: Date;
}

/**
 * What is kept of a request that came with an `Idempotency-Key`, written before anything else: what it was decided to be,
 * so that it is the same at every repetition.
 */
export interface IdempotencyKeyDocument {
  /** `<keyId> <METHOD> <path> <Idempotency-Key>`: one row per API key, route and key, by construction. */
  _id: string;
  /** Of what was asked; tells another request under the same key. */
  hash: string;
  /** The ids of what it makes, when it was accepted. */
  ids?: Record<string, string>;
  /** Why it was refused, when it was refused without a command that would tell. */
  refusal?: PublicError & { retryable: boolean };
  /** Made, and known to be; only where what was made may be gone at the next repetition. */
  doneAt?: Date;
  createdAt: Date;
}

export const collectionNames = {
  channels: "channels",
  commands: "commands",
  events: "events",
  messages: "messages",
  authCreds: "whatsapp_auth_creds",
  authKeys: "whatsapp_auth_keys",
  connectors: "connectors",
  apiKeys: "api_keys",
  consoleSessions: "console_sessions",
  pairingRequests: "pairing_requests",
  idempotencyKeys: "idempotency_keys",
} as const;

export type CollectionName = (typeof collectionNames)[keyof typeof collectionNames];
