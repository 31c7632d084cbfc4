import type { CommandState } from "#shared/commands.ts";
import { errorCatalog } from "#shared/errors.ts";
import { type MessageStatus, messageStatusRank } from "#shared/events.ts";

export interface Failure {
  code: string;
  message: string;
}

/** The latest known state of a message. */
export interface Outcome {
  status: MessageStatus;
  failure: Failure | null;
}

/** The outcome that is further along. */
export function further(a: Outcome, b: Outcome): Outcome {
  return messageStatusRank[b.status] > messageStatusRank[a.status] ? b : a;
}

/** Why a message failed, in the catalog's words if it has the code. */
export function failureOf(code: string, whatsappCode?: number): Failure {
  const known: Record<string, { title: string }> = errorCatalog;
  const title = known[code]?.title ?? "The message was not sent";
  return { code, message: whatsappCode === undefined ? title : `${title} (${whatsappCode})` };
}

/** The outcome of a message, derived from the state of its command. */
export function outcomeOfCommand(state: CommandState, error: Failure | null): Outcome {
  const status = statusByState[state];
  return { status, failure: status === "failed" ? (error ?? failureOf(state)) : null };
}

export function isCommandState(value: unknown): value is CommandState {
  return typeof value === "string" && Object.hasOwn(statusByState, value);
}

const statusByState: Record<CommandState, MessageStatus> = {
  queued: "queued",
  running: "queued",
  succeeded: "sent",
  unknown: "unknown",
  failed: "failed",
  expired: "failed",
  cancelled: "failed",
  dead: "failed",
};

export const outcomeWords: Record<MessageStatus, { mark: string; label: string }> = {
  queued: { mark: "…", label: "queued" },
  sent: { mark: "✓", label: "sent" },
  delivered: { mark: "✓✓", label: "delivered" },
  read: { mark: "✓✓", label: "read" },
  played: { mark: "✓✓", label: "played" },
  failed: { mark: "!", label: "failed" },
  unknown: { mark: "?", label: "unknown: WhatsApp has not confirmed the message" },
};
