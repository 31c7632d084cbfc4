import type { CommandDocument } from "#shared/collections.ts";
import type { PublicError } from "#shared/errors.ts";
import type { EventData } from "#shared/events.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";
import type { Settlement } from "./settlement.ts";

/** A claimed send. Its message id is fixed from here on, also when who inserted it gave none. */
export type Send = CommandDocument & { messageId: string };

/** What a result says of a send besides its id; empty when it is not known any more. */
export type SendFacts = Pick<Prepared, "to" | "type"> | Record<string, never>;

/** What became of one attempt to send. */
export type RelayOutcome =
  | { kind: "sent" }
  | { kind: "refused"; whatsappCode: number }
  /** It may have reached the wire, and no answer came. */
  | { kind: "unknown" };

/** How a send ended, for its command and for those who listen. */
export interface SendEnd {
  settlement: Settlement;
  statusUpdate: Omit<EventData["message_status_update"], "messageId">;
}

/** A send that came as far as the wire. */
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

/** A send that did not leave: refused for a reason (`failed`), or tried in vain (`dead`). */
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
