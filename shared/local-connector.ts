/** Describes the connector of the same process to the functions, which need not ask the database about its channels. */

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
   * Inserts a new send as claimed, and sends it. Settles as `insert` does. Returns null when the send has to be queued, because its
   * channel is owned elsewhere, not open, or has others that wait.
   */
  insertClaimed(command: CommandDocument, insertion: Insertion): Promise<void> | null;
}

/** How to insert a command. */
export interface Insertion {
  /** Resolves when the command is durable. Inserts in the order of the calls. */
  insert(command: CommandDocument): Promise<void>;
  /** Whether somebody else may insert a command with this id, too. */
  mayExist: boolean;
}
