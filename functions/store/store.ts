/** Reads and writes the database for the functions, through one interface with a MongoDB adapter. */

import type { Caller } from "#shared/authentication.ts";
import type { ChannelStatus } from "#shared/channel.ts";
import type { ChannelDocument, CommandDocument, MessageDocument } from "#shared/collections.ts";
import type { CommandState, CommandType } from "#shared/commands.ts";
import type { DirectInsertion, DirectOptions, Look } from "#shared/local-connector.ts";
import type { LogReader, LongRead } from "../events/event-view.ts";
import type { KeyedRequests } from "../idempotency/keyed-request.ts";
import type { MessagePlace } from "../messages/message-cursor.ts";

/** A channel and the database's time at which it was read. */
export interface FoundChannel {
  channel: ChannelDocument;
  now: Date;
}

/** As much of a channel as a command for it needs. `isOwned`: the connector of this process owns it. */
export interface CommandTarget {
  channel: Pick<ChannelDocument, "channelId" | "status">;
  now: Date;
  isOwned?: true;
  look?: Look;
}

/** The fields of a channel to create; it starts inactive. */
export type NewChannel = Pick<ChannelDocument, "channelId" | "name" | "metadata"> & {
  phoneNumber: string | null;
};

/** The fields of a channel that callers may change. */
export type ChannelChanges = Partial<Pick<ChannelDocument, "name" | "metadata">>;

/** The fields of a command to insert; the rest of its document is the same for all. */
export interface NewCommand {
  commandId: string;
  channelId: string;
  type: CommandType;
  lane: CommandDocument["lane"];
  payload: object;
  messageId?: string;
  keyId: string;
  /** The latest known time of the database. */
  createdAt: Date;
  expiresAt: Date;
}

export interface ChannelQuery extends LongRead {
  /** Only these channels; null = all. */
  channelIds: readonly string[] | null;
  status: ChannelStatus | null;
  /** Only channels after this id, in the order of ids. */
  after: string | null;
  limit: number;
}

export interface CommandQuery extends LongRead {
  channelId: string;
  /** Null = all states. */
  state: CommandState | null;
  type: CommandType | null;
  /** The `nextPlace` of the page before; null = the first page. */
  after: string | null;
  limit: number;
}

/** A page of commands, newest first; `nextPlace` is null on the last page. */
export interface CommandPage {
  commands: CommandDocument[];
  nextPlace: string | null;
}

export interface MessageQuery extends LongRead {
  channelId: string;
  /** Null = all chats. */
  chat: string | null;
  /** Null = the newest. */
  place: MessagePlace | null;
  limit: number;
}

/** A page of messages, newest first; `next` is null on the last page. */
export interface MessagePage {
  messages: MessageDocument[];
  next: MessagePlace | null;
}

/** The names of a message: its id, and whatever else the caller knows of it. */
interface MessageName extends LongRead {
  channelId: string;
  messageId: string;
  chat: string | null;
  sender: string | null;
}

/** A send to queue again. */
interface Requeue {
  /** When it ended; a later end is not undone. */
  endedAt: Date;
  messageId: string;
  ttlSeconds: number;
}

/** Identifies callers. Both methods throw `invalid_api_key` or `expired_api_key`. */
export interface Authentication {
  byKey(key: string): Promise<Caller>;
  /** `cookie` is the value of the console's session cookie. */
  bySession(cookie: string): Promise<Caller>;
}

/**
 * The database as the functions use it; deleted channels do not exist here unless a method says so. Every call throws
 * `database_unavailable` when the database does not answer within a few seconds, and a write that resolves is durable.
 */
export interface Store extends Authentication, KeyedRequests, LogReader {
  /** Returns the existing channel unchanged if its id is taken. */
  createChannel(channel: NewChannel): Promise<ChannelDocument>;
  findChannel(channelId: string): Promise<FoundChannel | null>;
  /** Finds a channel that is deleted but not erased yet. */
  findDeletedChannel(channelId: string): Promise<FoundChannel | null>;
  /** Returns at most `limit` channels, in the order of ids. */
  listChannels(query: ChannelQuery): Promise<ChannelDocument[]>;
  /** Null when the channel does not exist. */
  updateChannel(channelId: string, changes: ChannelChanges): Promise<ChannelDocument | null>;
  setWish(channelId: string, wanted: ChannelDocument["wanted"]): Promise<void>;
  /** Hides the channel from callers; a connector erases it. False when it does not exist. */
  markDeleted(channelId: string): Promise<boolean>;

  /** Inserts the command unless it exists. */
  insertCommand(command: NewCommand): Promise<void>;
  /**
   * Lets the connector of this process insert a new send as claimed. Returns null when it has to be queued; resolves to whether it
   * was queued after all. Throws `channel_not_found` when the channel is deleted. `mayExist`: a repetition of the request may
   * insert it, too.
   */
  insertDirect(send: NewCommand, options: DirectOptions): Promise<DirectInsertion> | null;
  findCommand(commandId: string): Promise<CommandDocument | null>;
  /** Whether a majority has the command, so that it survives the loss of a server. */
  hasCommand(commandId: string): Promise<boolean>;
  listCommands(query: CommandQuery): Promise<CommandPage>;
  /** The send of this message; null when there is none, or it has been removed. */
  findSend(channelId: string, messageId: string): Promise<CommandDocument | null>;
  listMessages(query: MessageQuery): Promise<MessagePage>;
  /** The messages of this name: several, where chats or authors have used one id. */
  findMessages(name: MessageName): Promise<MessageDocument[]>;
  /** Cancels a send that is queued and never was on the wire. Null when it is in another state. */
  cancelCommand(command: CommandDocument): Promise<CommandDocument | null>;
  /** Queues a dead or expired send behind all others. False when it is in another state or ended at another time. */
  requeueCommand(command: CommandDocument, requeue: Requeue): Promise<boolean>;
  /** Whether a connector is alive that could execute a command. */
  hasConnector(): Promise<boolean>;

  /** Creates a console session for the key and returns the value of its cookie and when it expires. */
  createSession(keyId: string, ttlSeconds: number): Promise<{ cookie: string; expiresAt: Date }>;
  deleteSession(cookie: string): Promise<void>;

  /** Returns the missing indexes as `collection.index`. */
  missingIndexes(): Promise<string[]>;
}
