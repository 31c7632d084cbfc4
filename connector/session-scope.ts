/** Declares what every part of a session may ask of it. */

import type { Logger } from "#shared/log.ts";

export interface SessionScope {
  readonly channelId: string;
  /** Aborts when the session has ended. */
  readonly ended: AbortSignal;
  /** The database's time, ms since the epoch: whatever is stored or shown is dated by it. */
  now(): number;
  /** Checked before every step that a former owner must not take. */
  isOwner(): boolean;
  /** Ends the session: a write failed for good, or the ownership was lost. */
  fail(error: unknown): void;
  /** Names the channel in every line. */
  readonly log: Logger;
}
