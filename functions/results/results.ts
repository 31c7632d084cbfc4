/** Waits for a command to end, by polling or by what its process reports about it. */

import type { CommandDocument } from "#shared/collections.ts";
import type { CommandState } from "#shared/commands.ts";

/** How a command ended; `gone` means that its document was erased together with its channel. */
export type CommandOutcome =
  | { state: Exclude<CommandState, "queued" | "running">; result?: object; error?: CommandDocument["error"] }
  | { state: "gone" };

/** Waits for commands to end. A read that fails counts as a command that has not ended yet. */
export interface ResultWaiter {
  /** Null when the command has not ended within `waitMs`, or when `signal` aborts. Never rejects. */
  wait(commandId: string, waitMs: number, signal: AbortSignal): Promise<CommandOutcome | null>;
  /** Null when the command has not ended yet. Never rejects. */
  read: ReadCommandOutcome;
  /**
   * Call it before a command is written, and dispose of it after the wait. Its end cannot be missed from then on, so the wait
   * need not begin with a read.
   */
  expect?(commandId: string): Disposable;
}

/** Reads how a command ended; null while it has not. */
export type ReadCommandOutcome = (commandId: string) => Promise<CommandOutcome | null>;
