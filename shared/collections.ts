/**
 * Defines the terms that functions and connector share: documents, commands, events, errors, settings. Opens no
 * connection of its own.
 *
 * This file: the collections and their documents.
 */

import type { Binary, Timestamp } from "mongodb";
import type { ChannelStatus, channelType, StatusReason } from "./channel.ts";
import type { CommandState } from "./commands.ts";
import type { PublicError } from "./errors.ts";
import type { LastDisconnect, MessageStatus } from "./events.ts";
import type { MessageEventData } from "./message-events.ts";
import type { ReceivedContent } from "./received-content.ts";
import type { Scope } from "./scopes.ts";

/** A QR or pairing code waiting to be used; removed when it is used, expires, or the channel disconnects. */
export interface PendingPairing {
  kind: "qr" | "code";
  /** The raw text of the QR, or the code to type. */
  text: string;
  attempt: number;
  of: number;
  expiresAt: Date;
}

/** Why a device is to be unlinked: at a caller's request, or because its account is not the one that the caller named. */
export type UnlinkCause = "logout" | "deletion" | "wrong_number";

export interface ChannelDocument {
  /** Equal to `channelId`. */
  _id: string;
  channelId: string;
  type: typeof channelType;
  name: string;
  metadata: Record<string, unknown>;
  /** Other services read this too, so its shape is stable. `qrCode` is a PNG data URL. */
  config: { phoneNumber: string | null; qrCode: string | null; pairingCode: string | null };
  /** The number given at create; no other account may link. `config.phoneNumber` is also set by linking. */
  givenNumber?: string | null;
  pairing: PendingPairing | null;
  status: ChannelStatus;
  reason: StatusReason | null;
  retryAt: Date | null;
  lastDisconnect: LastDisconnect | null;
  lastStatusUpdate: Date;
  /** The last wish of a caller. After a restart this, not `status`, decides whether the channel reconnects. */
  wanted: "connected" | "disconnected";
  /**
   * The owner. `epoch` rises with every owner and never falls. `movedAt`: when rebalancing last moved the channel.
   * `unopenedBy`: the living connectors that tried to open the channel and could not.
   */
  owner: { connector: string | null; epoch: number; movedAt?: Date; unopenedBy?: string[] };
  /** The device is to be removed at WhatsApp, which has not confirmed it yet; its owner repeats it until then. */
  unlink?: { cause: UnlinkCause; since: Date } | null;
  /** The linked account's LID, once known. */
  lid: string | null;
  /** The keys that seal its messages, newest first, each sealed by a master key. They outlive a logout. */
  messageKeys?: WrappedKeyDocument[];
  createdAt: Date;
  /** Set by delete: the channel no longer exists for callers, and its owner erases the rest. */
  deletedAt: Date | null;
}

/** A key as it is stored: sealed by the master key that `masterKeyId` names. */
export interface WrappedKeyDocument {
  masterKeyId: string;
  wrapped: Binary;
}

/** A command. While `queued` it has no claim; `claim.epoch` is the epoch of the owner that claimed it. */
export interface CommandDocument {
  /** An ObjectId if another service inserted the command without an id. */
  _id: string;
  channelId: string;
  /** A `CommandType`. A plain string, because other services insert documents too. */
  type: string;
  lane: 0 | 1 | 2;
  /** Set by the server at insert (`Timestamp(0,0)`): first in, first out, without a counter or client clocks. */
  ord: Timestamp;
  state: CommandState;
  payload: unknown;
  /** Fixed when the command is accepted. Messages only. */
  messageId?: string;
  keyId?: string;
  attempts: number;
  /** Set when another service wrote the command. */
  adoptedAt?: Date;
  claim?: { connector: string; epoch: number; at: Date };
  /** The epoch of the newest owner that found the command queued at its takeover; older owners can no longer claim it. */
  claimableFrom?: number;
  notBefore: Date;
  expiresAt: Date;
  createdAt: Date;
  /** Set before the stanza can reach the wire. From then on, a failure without an answer is `unknown`. */
  relayStartedAt?: Date;
  /** The JID of the sending account; a resend uses no other. */
  relayedBy?: string;
  /** Set before an `unknown` send can reach the wire a second time. There is no third time. */
  resentAt?: Date;
  result?: Record<string, unknown>;
  error?: PublicError;
  doneAt?: Date;
}

/** A row of the event log. The collection also has one fence row per channel (`<channelId>/fence`, without `seq`). */
export interface EventDocument {
  _id: string;
  channelId: string;
  seq: number;
  /**
   * Set by the server at insert (`Timestamp(0,0)`): the order across channels. Concurrent inserts can become visible
   * out of order by less than `eventInsertMsMax`. Within a channel it follows `seq`.
   */
  ord: Timestamp;
  /** The epoch of the owner that wrote the row; it never falls along `seq`. */
  epoch?: number;
  type: string;
  timestamp: Date;
  data: Record<string, unknown>;
}

/** A slower insert into the log is refused, so a row can appear at most this long after rows with a higher `ord`. */
export const eventInsertMsMax = 10_000;

/**
 * The fence of a channel in a collection: it refuses a bulk write that begins with an older `epoch`. `n` counts its
 * writes. Only in `events`: `lastSeq`, the last number assigned, in case retention has emptied the log; `writtenSeq`, the
 * last number before that write, which is certain to be in the log; and `raisedSeq`, up to which `messages` has every status
 * (absent in the log of an earlier version). Only in `whatsapp_auth_keys`: `session`, the
 * driver's id of the owner's server session. Fences of an erased channel also have their collection's TTL field.
 */
export interface FenceDocument {
  _id: string;
  channelId: string;
  epoch: number;
  n: number;
  lastSeq?: number;
  writtenSeq?: number;
  raisedSeq?: number;
  session?: { id: Binary };
}

/** The `_id` of a channel's fence row. */
export function fenceId(channelId: string): string {
  return `${channelId}/fence`;
}

/** Who sent a message: a caller of the API, the phone, another linked device, somebody else. */
export const messageOrigins = ["api", "phone", "other_device", "contact"] as const;

type MessageOrigin = (typeof messageOrigins)[number];

/** What a message says about others: what it answers, whom it names, where it comes from. */
export type MessageContext = Pick<MessageEventData["incoming_message"], (typeof contextFields)[number]>;

/** The fields of a message that are its context. */
export const contextFields = [
  "replyTo",
  "mentions",
  "forwarded",
  "album",
  "versionOf",
  "illustrates",
  "referral",
  "expiresIn",
] as const;

/** A status of a message of ours, and when the log had it. */
export interface StatusStep {
  status: MessageStatus;
  at: Date;
  error?: { code: string; whatsappCode?: number };
}

interface MessageReaction {
  sender: string;
  emoji: string;
  at: Date;
}

/**
 * A message, received or sent: a projection of the log, except that the row of a send is written before its stanza leaves.
 * Rows of a version before this one have `timestamp` in the place of `recordedAt`, and nothing of what is optional here.
 */
export interface MessageDocument {
  /** `<channelId>/out/<messageId>`, or `<channelId>/in/<chat>/<sender>/<messageId>`. */
  _id: string;
  channelId: string;
  messageId: string;
  direction: "in" | "out";
  /** The chat's JID: of a person the number's, where that is known. */
  chat: string;
  /** The JID that our own send went to, if that is another than `chat`: receipts carry this one. */
  sentTo?: string;
  /** The JID that the caller asked for, if that is another than `chat`. */
  to?: string;
  sender: string | null;
  type: string;
  origin?: MessageOrigin;
  /** The name of the key with which a caller sent it. */
  via?: string;
  /** Of a message of type `unsupported`: names the kinds that were known when it was read. */
  readBy?: string;
  /** The visible text, and the typed content: the newest, after an edit. */
  text?: string;
  content?: ReceivedContent;
  context?: MessageContext;
  pushName?: string;
  status: MessageStatus | null;
  statusRank: number;
  /** In the order in which they were raised. */
  history?: StatusStep[];
  /** At most one of each sender. */
  reactions?: MessageReaction[];
  editedAt?: Date;
  /** Deleted for everyone; what it said is kept. */
  deletedAt?: Date;
  /** When it disappears from the chat. */
  expiresAt?: Date;
  /** The whole encoded `proto.Message`, sealed by the channel's message key; in rows of a former version as it is. */
  proto?: Binary;
  /** By its author's device. */
  sentAt?: Date;
  recordedAt?: Date;
  timestamp?: Date;
}

/** A channel's chat with a person, as far as it is known. */
export interface ChatDocument {
  /** `<channelId>/<chat>` */
  _id: string;
  channelId: string;
  /** The person's JID. */
  chat: string;
  /** After how many seconds messages disappear, 0 for never, and when that was set, by WhatsApp's clock. */
  disappearing: { seconds: number; setAt: Date };
}

export interface ConnectorDocument {
  _id: string;
  /** `CONNECTOR_ID`; only one live process has it. */
  name: string;
  /** `dead` is final. */
  state: "alive" | "draining" | "dead";
  aliveUntil: Date;
  capacity: number;
  /** Names its encryption keys, newest first; absent in rows of older versions. */
  masterKeyIds?: string[];
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

/** A console session: the SHA-256 of its cookie → the key that created it. */
export interface ConsoleSessionDocument {
  _id: string;
  keyId: string;
  createdAt: Date;
  expiresAt: Date;
}

/**
 * The session with which a Socket.io client that lost its connection may return: the SHA-256 of a secret that the gateway
 * gave to its socket → the SHA-256 of the key that the socket had presented.
 */
export interface SocketSessionDocument {
  _id: string;
  keyHash: string;
  /** Moves on while the socket is connected. */
  expiresAt: Date;
}

/** A request for a pairing code, for the limit of 5 an hour per number. */
export interface PairingRequestDocument {
  _id: string;
  phoneNumber: string;
  at: Date;
}

/**
 * The decision about a request with an `Idempotency-Key`, written before anything else, so that every repetition gets
 * the same one.
 */
export interface IdempotencyKeyDocument {
  /** `<keyId> <METHOD> <path> <Idempotency-Key>`: one row per API key, route and key, by construction. */
  _id: string;
  /** Hash of the request; detects a different request under the same key. */
  hash: string;
  /** The ids of what the request creates, if it was accepted. */
  ids?: Record<string, string>;
  /** Why the request was refused, if no command records that. */
  refusal?: PublicError & { retryable: boolean };
  /** When creation was confirmed. Set only where the created document can be gone at the next repetition. */
  doneAt?: Date;
  createdAt: Date;
}

export const collectionNames = {
  channels: "channels",
  commands: "commands",
  events: "events",
  messages: "messages",
  chats: "chats",
  authCreds: "whatsapp_auth_creds",
  authKeys: "whatsapp_auth_keys",
  connectors: "connectors",
  apiKeys: "api_keys",
  consoleSessions: "console_sessions",
  socketSessions: "socket_sessions",
  pairingRequests: "pairing_requests",
  idempotencyKeys: "idempotency_keys",
} as const;

export type CollectionName = (typeof collectionNames)[keyof typeof collectionNames];
