import { Timestamp } from "mongodb";
import type { CommandDocument } from "#shared/collections.ts";
import type { PublicError } from "#shared/errors.ts";
import type { EventData } from "#shared/events.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import { isMessageId } from "./command-validation.ts";
import type { DirectSend } from "./direct-send.ts";
import type { Settlement } from "./settlement.ts";

/** A send whose message id is fixed. */
export type Send = CommandDocument & {
  messageId: string;
  /** Absent for one that was claimed before it went on its way. */
  direct?: DirectSend;
};

/** Whether the command is a send with a message id; control commands have none, and other services write what they like. */
export function isSend(command: CommandDocument): command is Send {
  return isMessageId(command.messageId) && command.ord instanceof Timestamp;
}

/** The facts in a send's result besides its id; empty when an orphan's payload cannot be read. */
export type SendFacts = Pick<Prepared, "to" | "type"> | Record<string, never>;

/** The outcome of one relay. */
export type RelayOutcome =
  | { kind: "sent" }
  | { kind: "refused"; whatsappCode: number }
  /** The stanza may have reached the wire, and WhatsApp did not answer. */
  | { kind: "unknown" };

/** How a send ended: for its command, and for the log. */
export interface SendEnd {
  settlement: Settlement;
  statusUpdate: Omit<EventData["message_status_update"], "messageId">;
}

/** The end of a send that reached the wire. */
export function sendEnd({ _id, messageId }: Send, facts: SendFacts, outcome: RelayOutcome): SendEnd {
  if (outcome.kind === "refused") {
    const { whatsappCode } = outcome;
    const code = "whatsapp_rejected";
    const details = { messageId, commandId: String(_id), whatsappCode };
    const error: PublicError = { code, message: "WhatsApp refused the message", details };
    return {
      settlement: { state: "failed", error },
      statusUpdate: { status: "failed", error: { code, whatsappCode } },
    };
  }
  const status = outcome.kind;
  const state = status === "sent" ? "succeeded" : "unknown";
  return { settlement: { state, result: { messageId, ...facts, status } }, statusUpdate: { status } };
}

/** The settlement of a send that did not reach the wire: refused (`failed`), or tried unsuccessfully (`dead`). */
export function sendFailure(
  { _id, messageId }: Send,
  error: PublicError,
  state: "failed" | "dead",
): Settlement {
  const ids = { messageId, commandId: String(_id) };
  const details = Array.isArray(error.details)
    ? { ...ids, problems: error.details }
    : { ...error.details, ...ids };
  return { state, error: { ...error, details } };
}
