import { type ErrorDetails, errorCatalog, type PublicError, ServiceError } from "#shared/errors.ts";
import type { CommandOutcome } from "../results/results.ts";
import type { AcceptedCommand } from "./submit-command.ts";

/** What came of a command, for whoever waited: done, not known (yet), or an error that says why not. */
export type CommandAnswer =
  | { state: "succeeded"; result: object }
  /** Not carried out yet, or on the wire and nothing says whether WhatsApp took it. */
  | { state: "queued" | "unknown" };

/** Throws the command's own error when it failed, with `commandId` and `messageId` among the details. */
export function commandAnswer({ outcome, commandId, messageId }: AcceptedCommand): CommandAnswer {
  if (!outcome) return { state: "queued" };
  if (outcome.state === "unknown") return { state: "unknown" };
  if (outcome.state === "succeeded") return { state: "succeeded", result: outcome.result ?? {} };
  // The channel was deleted, and its commands with it, while this one waited.
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
