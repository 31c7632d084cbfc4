import type { BinaryNode } from "../baileys/baileys.ts";
import { traceRelay } from "../baileys/wire-trace.ts";
import type { RelayOutcome } from "../commands/send-settlement.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import type { OpenSocket } from "../connection/current-socket.ts";
import type { Prepared } from "../messages/to-whatsapp.ts";

/** A relay under way. */
export interface Relay {
  /** Resolves when the stanza is in its place among the socket's frames, or will never be. */
  handed: Promise<{ isOnWire: boolean; error?: unknown }>;
  /** Resolves when Baileys has written the stanza or failed to, or when the socket is gone. */
  written: Promise<{ isOnWire: boolean; error?: unknown }>;
  /** Resolves as soon as the outcome is known, possibly before `written`; to null when the stanza did not reach the wire. */
  outcome: Promise<RelayOutcome | null>;
}

export interface RelayOptions {
  /** How long to wait for WhatsApp's acknowledgement. */
  ackMs: number;
  /** Called synchronously with the acknowledgement, so before any receipt that follows it. */
  onAck(outcome: Exclude<RelayOutcome, { kind: "unknown" }>): void;
  /** As in `TraceOptions`. */
  permitted?: Promise<unknown> | undefined;
  /** The stanza leaves once this has resolved. */
  covered?: Promise<unknown>;
}

/**
 * Puts a message on the wire. Baileys resolves when the bytes are written and the ratchet is stored; only the server's
 * acknowledgement says whether WhatsApp took the message. It often arrives first, so we listen before we send.
 */
export function relay(
  { wa, gone }: OpenSocket,
  messageId: string,
  prepared: Prepared,
  { ackMs, onAck, permitted, covered }: RelayOptions,
): Relay {
  const acknowledge = (node: BinaryNode) => {
    const known = outcomeOf(node);
    if (known.kind !== "unknown") onAck(known);
  };
  wa.ws.once(`TAG:${messageId}`, acknowledge);
  const answer = untilAborted(gone, () => wa.waitForMessage<BinaryNode>(messageId, ackMs)).then(
    outcomeOf,
    (): RelayOutcome => ({ kind: "unknown" }),
  );
  void answer.then(() => wa.ws.off(`TAG:${messageId}`, acknowledge));
  const handed = Promise.withResolvers<{ isOnWire: boolean; error?: unknown }>();
  const written = traceRelay(
    prepared.jid,
    () => untilAborted(gone, () => wa.relayMessage(prepared.jid, prepared.message, { messageId })),
    {
      permitted,
      ...(covered && { covered }),
      onHanded: () => handed.resolve({ isOnWire: true }),
    },
  );
  void written.then(handed.resolve);
  const afterWrite = written.then(({ isOnWire }) => (isOnWire ? answer : null));
  const outcome = Promise.race([
    afterWrite,
    answer.then((known) => (known.kind === "unknown" ? afterWrite : known)),
  ]);
  return { handed: handed.promise, written, outcome };
}

/** A receipt can overtake the acknowledgement and proves as much: only a message that the server took gets a receipt. */
function outcomeOf(node: BinaryNode | undefined): RelayOutcome {
  if (node?.tag === "receipt") return { kind: "sent" };
  if (node?.tag !== "ack") return { kind: "unknown" };
  return node.attrs.error === undefined
    ? { kind: "sent" }
    : { kind: "refused", whatsappCode: Number(node.attrs.error) };
}
