import type { BinaryNode } from "../baileys/baileys.ts";
import { traceRelay } from "../baileys/wire-trace.ts";
import type { RelayOutcome } from "../commands/send-settlement.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";

export interface Relay {
  /** Resolves when Baileys is done with it, or the socket is gone. */
  written: Promise<{ isOnWire: boolean; error?: unknown }>;
  /** Resolves as soon as it is known, which can be before `written`; null when it did not reach the wire. */
  outcome: Promise<RelayOutcome | null>;
}

export interface RelayOptions {
  /** How long to wait for the acknowledgement. */
  ackMs: number;
  /** Called in the moment the answer is heard, so before any receipt that comes behind it. */
  onAck(outcome: Exclude<RelayOutcome, { kind: "unknown" }>): void;
}

/**
 * Puts a message on the wire. Baileys resolves when the bytes have written and the ratchet is stored; whether WhatsApp took
 * it says the server's acknowledgement, which is listened for from before the send, since it is often the faster one.
 */
export function relay(
  { wa, gone }: OpenSocket,
  messageId: string,
  prepared: Prepared,
  { ackMs, onAck }: RelayOptions,
): Relay {
  const hear = (node: BinaryNode) => {
    const heard = outcomeOf(node);
    if (heard.kind !== "unknown") onAck(heard);
  };
  wa.ws.once(`TAG:${messageId}`, hear);
  const answer = untilAborted(gone, () => wa.waitForMessage<BinaryNode>(messageId, ackMs)).then(
    outcomeOf,
    (): RelayOutcome => ({ kind: "unknown" }),
  );
  void answer.then(() => wa.ws.off(`TAG:${messageId}`, hear));
  const written = traceRelay(() =>
    untilAborted(gone, () => wa.relayMessage(prepared.to, prepared.message, { messageId })),
  );
  const fate = written.then(({ isOnWire }) => (isOnWire ? answer : null));
  const outcome = Promise.race([fate, answer.then((known) => (known.kind === "unknown" ? fate : known))]);
  return { written, outcome };
}

/** A receipt can overtake the acknowledgement, and says as much: only what the server took reaches anybody. */
function outcomeOf(node: BinaryNode | undefined): RelayOutcome {
  if (node?.tag === "receipt") return { kind: "sent" };
  if (node?.tag !== "ack") return { kind: "unknown" };
  return node.attrs.error === undefined
    ? { kind: "sent" }
    : { kind: "refused", whatsappCode: Number(node.attrs.error) };
}
