import type { Caller } from "#shared/authentication.ts";
import type { ChannelStatus } from "#shared/channel.ts";
import type { ChannelDocument, CommandDocument } from "#shared/collections.ts";
import type { CommandState, CommandType } from "#shared/commands.ts";
import type { LogReader } from "../events/event-view.ts";
import type { KeyedRequests } from "../idempotency/keyed-request.ts";

/** A channel, and the database's time when it was read. */
export interface FoundChannel {
  channel: ChannelDocument;
  now: Date;
}

/** A channel as it is first written: inactive. */
export type NewChannel = Pick<ChannelDocument, "channelId" | "name" | "metadata"> & {
  phoneNumber: string | null;
};

/** A command as it is first written; the rest of its document is the same for all. */
export interface NewCommand {
  commandId: string;
  channelId: string;
  type: CommandType;
  lane: CommandDocument["lane"];
  payload: object;
  messageId?: string;
  keyId: string;
  /** The database's, as far as known. */
  createdAt: Date;
  expiresAt: Date;
}

export interface ChannelQuery {
  /** Only these; null = all. */
  channelIds: readonly string[] | null;
  status: ChannelStatus | null;
  /** Only those after this channel, in the order of their ids. */
  after: string | null;
  limit: number;
}

export interface CommandQuery {
  channelId: string;
  /** Null = every state. */
  state: CommandState | null;
  type: CommandType | null;
  /** Only those that follow this place in the list, which `nextPlace` gave. */
  after: string | null;
  limit: number;
}

/** A page of commands, the newest first; `nextPlace` is null on the last one. */
export interface CommandPage {
  commands: CommandDocument[];
  nextPlace: string | null;
}

/** A send as it is tried again. */
interface Requeuing {
  /** When it ended: another end is not undone. */
  endedAt: Date;
  messageId: string;
  ttlSeconds: number;
}

/** Who a caller is. Both throw `invalid_api_key` or `expired_api_key`. */
export interface Authentication {
  byKey(key: string): Promise<Caller>;
  /** `cookie` is the value of the console's session cookie. */
  bySession(cookie: string): Promise<Caller>;
}

/**
 * What the functions need of the database; deleted channels do not exist here. Every call throws `database_unavailable`
 * when the database does not answer within a few seconds, and every write is durable when it resolves.
 */
export interface Store extends Authentication, KeyedRequests, LogReader {
  /** One that is there under this id stays as it is, and is returned. */
  createChannel(channel: NewChannel): Promise<ChannelDocument>;
  findChannel(channelId: string): Promise<FoundChannel | null>;
  /** A deleted one that is not erased yet. */
  findDeletedChannel(channelId: string): Promise<FoundChannel | null>;
  /** At most `limit`, in the order of their ids. */
  listChannels(query: ChannelQuery): Promise<ChannelDocument[]>;
  /** Null when there is no such channel. */
  updateChannel(
    channelId: string,
    changes: Partial<Pick<ChannelDocument, "name" | "metadata">>,
  ): Promise<ChannelDocument | null>;
  setWish(channelId: string, wanted: ChannelDocument["wanted"]): Promise<void>;
  /** From here on it does not exist for callers; what it left behind is erased by a connector. False: there was none. */
  markDeleted(channelId: string): Promise<boolean>;

  /** Unless it is there already. */
  insertCommand(command: NewCommand): Promise<void>;
  findCommand(commandId: string): Promise<CommandDocument | null>;
  /** Whether it is there, and would survive the loss of a server. */
  hasCommand(commandId: string): Promise<boolean>;
  listCommands(query: CommandQuery): Promise<CommandPage>;
  /** Takes a send back while it is queued and never was on the wire. Null: it is not, or not any more. */
  cancelCommand(command: CommandDocument): Promise<CommandDocument | null>;
  /** Puts a send that is dead or expired behind all that is queued. False: it is not, or ended at another time. */
  requeueCommand(command: CommandDocument, requeuing: Requeuing): Promise<boolean>;
  /** Whether a connector lives that could carry out a command. */
  hasConnector(): Promise<boolean>;

  /** Makes a console session for the caller and returns the value of its cookie, and when it ends. */
  createSession(keyId: string, ttlSeconds: number): Promise<{ cookie: string; expiresAt: Date }>;
  deleteSession(cookie: string): Promise<void>;

  /** Names of missing indexes, as `collection.index`. */
  missingIndexes(): Promise<string[]>;
}
