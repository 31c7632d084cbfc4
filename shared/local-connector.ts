/** Describes the connector of the same process to the functions, which need not read a channel that it owns. */

import type { ChannelDocument, CommandDocument } from "./collections.ts";

/** What the owner of a channel knows of it, and the database's time. */
export interface OwnedChannel {
  channel: Pick<ChannelDocument, "channelId" | "status">;
  now: Date;
  isOwned: true;
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
  insertClaimed(command: CommandDocument, mayExist: boolean): Promise<DirectInsertion> | null;
}

export interface DirectInsertion {
  isQueued: boolean;
}
