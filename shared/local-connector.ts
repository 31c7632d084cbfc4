/** Describes the connector of the same process to the functions, which need not read a channel that it owns. */

import type { ChannelDocument, CommandDocument } from "./collections.ts";

/** The state of a channel as its owner has it, and the database's time. */
export interface OwnedChannel {
  channel: Pick<ChannelDocument, "channelId" | "status">;
  now: Date;
  isOwned: true;
  /** A look at what waits on the channel; absent when a send has to be queued anyway. */
  look?: Look;
}

/** A look at a channel. */
export interface Look {
  /** When it began, by `performance.now()`. */
  at: number;
  open: Promise<{ hasQueued: boolean; isDeleted: boolean }>;
}

export interface LocalConnector {
  /** Null for a channel of another owner or of none, and for one that a command may be about to delete. */
  ownedChannel(channelId: string): OwnedChannel | null;
  /**
   * Inserts a new send as claimed, and sends it. Resolves when it is durable; to `isQueued` when the owner could not keep it. Throws
   * `channel_not_found` when the channel is deleted, the error of a duplicate when somebody else has inserted it, which is only
   * possible with `mayExist`, and the database's error. Returns null, and inserts nothing, when the send has to be queued: its
   * channel is owned elsewhere, not open, or has others that wait.
   */
  insertClaimed(command: CommandDocument, options: DirectOptions): Promise<DirectInsertion> | null;
}

export interface DirectOptions {
  /** Whether somebody else may insert the command, too. */
  mayExist: boolean;
  /** The look that began with this request. */
  look?: Look | undefined;
}

export interface DirectInsertion {
  isQueued: boolean;
}
