import type { CommandDocument } from "#shared/collections.ts";
import type { CommandState } from "#shared/commands.ts";

/**
 * How a command ended; or `gone`, when its document is no longer there: a deleted channel's commands are erased with it.
 */
export type CommandOutcome =
  | { state: Exclude<CommandState, "queued" | "running">; result?: object; error?: CommandDocument["error"] }
  | { state: "gone" };

/** Waits for commands to end. It only looks: a database that cannot be read is a result that has not come yet. */
export interface ResultWaiter {
  /** Null when the command has not ended within `waitMs`, or when `signal` aborts. Never rejects. */
  wait(commandId: string, waitMs: number, signal: AbortSignal): Promise<CommandOutcome | null>;
  /** Null when the command has not ended by now. Never rejects. */
  look: ReadCommandOutcome;
}

/** Reads how a command ended; null while it has not. */
export type ReadCommandOutcome = (commandId: string) => Promise<CommandOutcome | null>;
