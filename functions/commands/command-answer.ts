import { type ErrorDetails, errorCatalog, type PublicError, ServiceError } from "#shared/errors.ts";
import type { CommandOutcome } from "../results/results.ts";
import type { AcceptedCommand } from "./submit-command.ts";

/** The outcome of a command that a request waited for; a failure is thrown instead. */
export type CommandAnswer =
  | { state: "succeeded"; result: object }
  /** Not executed yet, or sent without an acknowledgement from WhatsApp. */
  | { state: "queued" | "unknown" };

/** Throws the error of a failed command, with `commandId` and `messageId` among its details. */
export function commandAnswer({ outcome, commandId, messageId }: AcceptedCommand): CommandAnswer {
  if (!outcome) return { state: "queued" };
  if (outcome.state === "unknown") return { state: "unknown" };
  if (outcome.state === "succeeded") return { state: "succeeded", result: outcome.result ?? {} };
  // Deleting the channel erased its commands, this one included.
  if (outcome.state === "gone") throw new ServiceError("channel_not_found");
  const { code, message, details } = commandFailure(outcome);
  throw new ServiceError(code, message, {
    details: { ...asRecord(details), ...(messageId && { messageId }), commandId },
  });
}

function commandFailure({ state, error }: Exclude<CommandOutcome, { state: "gone" }>): PublicError {
  if (error && error.code in errorCatalog) return error;
  const code = state === "expired" || state === "cancelled" ? state : "internal";
  return { code, message: error?.message ?? errorCatalog[code].title };
}

function asRecord(details: ErrorDetails | undefined): object {
  return Array.isArray(details) ? { problems: details } : { ...details };
}
