import type { BinaryNode, WASocket } from "./baileys/baileys.ts";
import type { Prepared } from "./preparation.ts";
import { traceRelay } from "./wire-trace.ts";

/** What became of one attempt to send. */
export type Outcome =
  | { kind: "sent" }
  | { kind: "refused"; whatsappCode: number }
  /** It may have reached the wire, and no answer came. */
  | { kind: "unknown" };

export type Relayed =
  /** It left; the answer comes later. */
  { kind: "on_wire"; outcome: Promise<Outcome> } | { kind: "not_on_wire"; error: unknown };

/**
 * Puts a message on the wire. Baileys resolves when the bytes leave; whether WhatsApp took it says the server's
 * acknowledgement, which is listened for from before the send, since it can be the faster one.
 */
export async function relay(
  wa: WASocket,
  messageId: string,
  prepared: Prepared,
  ackMs: number,
): Promise<Relayed> {
  const answer = wa
    .waitForMessage<BinaryNode>(messageId, ackMs)
    .then(outcomeOf, (): Outcome => ({ kind: "unknown" }));
  const { isOnWire, error } = await traceRelay(() =>
    wa.relayMessage(prepared.to, prepared.message, { messageId }),
  );
  return isOnWire ? { kind: "on_wire", outcome: answer } : { kind: "not_on_wire", error };
}

function outcomeOf(node: BinaryNode | undefined): Outcome {
  if (node?.tag !== "ack") return { kind: "unknown" };
  const code = Number(node.attrs.error);
  return node.attrs.error === undefined ? { kind: "sent" } : { kind: "refused", whatsappCode: code };
}
